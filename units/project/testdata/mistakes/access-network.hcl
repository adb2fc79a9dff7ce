root = "/srv/client-x"

proxy {
  access {
    allow = ["10.0.0.1/8", "office"]
  }
}
