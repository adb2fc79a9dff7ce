root = "/srv/client-x"
internal "/protected" {
  root = "private"
}
