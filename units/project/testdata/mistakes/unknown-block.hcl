root = "/srv/client-x"
gunicron {
}
