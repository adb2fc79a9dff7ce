root = "/srv/client-x"
internal "/" {
  root = "private"
}
