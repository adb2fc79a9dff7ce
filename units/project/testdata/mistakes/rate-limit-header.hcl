root = "/srv/client-x"

proxy {
  rate_limit "/login/" {
    per  = "header:X_Key"
    rate = "10/m"
  }
}
