root = "/srv/client-x"

proxy {
  access {
    basic_auth_file = "/etc/sandwich/client-x.htpasswd"
    realm           = "a \"b\""
  }
}
