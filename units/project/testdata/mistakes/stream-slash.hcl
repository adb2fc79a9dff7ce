root = "/srv/client-x"
proxy {
  stream = ["events/"]
}
