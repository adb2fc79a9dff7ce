root = "/srv/client-x"
limits {
  tasks = -1
}
