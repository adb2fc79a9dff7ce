root = "/srv/client-x"

bogus "x" {
}
