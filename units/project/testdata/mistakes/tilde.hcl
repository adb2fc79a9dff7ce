root = "/srv/client-x"
python = "~/venv/bin/python"
