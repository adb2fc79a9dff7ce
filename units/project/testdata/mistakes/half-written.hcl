root = "/srv/client-x"
gunicorn {
  workers = 
