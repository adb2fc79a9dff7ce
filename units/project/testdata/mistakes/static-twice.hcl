root = "/srv/client-x"
static "/static/" {
}
static "/static/" {
}
