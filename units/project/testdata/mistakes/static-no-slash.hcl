root = "/srv/client-x"
static "/static" {
  root = "/srv/client-x/static"
}
