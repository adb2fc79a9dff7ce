root = "/srv/client-x"
static {
  root = "/srv/client-x/static"
}
