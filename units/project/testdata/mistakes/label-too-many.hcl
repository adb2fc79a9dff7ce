root = "/srv/client-x"

gunicorn "x" {
}
