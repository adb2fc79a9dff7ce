root = "/srv/client-x"
gunicorn {
}
gunicorn {
}
