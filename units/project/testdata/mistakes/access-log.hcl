root = "/srv/client-x"

proxy {
  access_log = "/var/log/client-x.log"
}
