root = "/srv/client-x"
limits {
  memory = "lots"
}
