# /etc/sandwich/projects/client-x.hcl: only root is required, the rest is found in the project.
root    = "/srv/client-x"
domains = ["client-x.example", "www.client-x.example"]
