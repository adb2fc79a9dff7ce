root = "/srv/client-x"
internal "/protected/" {
  root = "/srv/client-x"
}
