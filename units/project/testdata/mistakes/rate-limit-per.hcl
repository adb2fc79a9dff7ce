root = "/srv/client-x"

proxy {
  rate_limit "/login/" {
    per  = "cookie"
    rate = "10/m"
  }
}
