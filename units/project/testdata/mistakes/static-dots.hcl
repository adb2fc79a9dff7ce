root = "/srv/client-x"
static "/a/../b/" {
  root = "/srv/client-x/static"
}
