root = "/srv/client-x"

proxy {
  rate_limit "login" {
    rate = "10/m"
  }
}
