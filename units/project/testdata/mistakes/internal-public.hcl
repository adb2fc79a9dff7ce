root = "/srv/client-x"
static "/media/" {
  root = "media"
}
internal "/protected/" {
  root = "media/private"
}
