root = "/srv/client-x"
release {
  health = "health"
}
