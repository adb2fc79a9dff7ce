root = "/srv/client-x"
limits {
  io_write = "fast"
}
