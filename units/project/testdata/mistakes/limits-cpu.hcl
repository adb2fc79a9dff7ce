root = "/srv/client-x"
limits {
  cpu = "1.5"
}
