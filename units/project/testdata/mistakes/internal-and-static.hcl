root = "/srv/client-x"
static "/media/" {
  root = "media"
}
internal "/media/" {
  root = "private"
}
