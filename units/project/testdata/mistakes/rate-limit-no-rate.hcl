root = "/srv/client-x"

proxy {
  rate_limit "/login/" {
    burst = 3
  }
}
