root = "/srv/client-x"
limits {
  memory      = "400M"
  memory_high = "1G"
}
