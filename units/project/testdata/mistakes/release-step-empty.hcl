root = "/srv/client-x"
release {
  steps = [["manage.py", "migrate"], []]
}
