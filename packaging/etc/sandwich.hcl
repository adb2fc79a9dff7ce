# Settings of this host: sandwich.hcl(5). Without this file, or with everything in it commented
# out, the defaults below hold. Projects are in /etc/sandwich/projects/NAME.hcl.

# When all projects together use more memory than this, those with an idle block that have been
# unvisited for longest are stopped until somebody visits them:
#
# proxy {
#   memory_budget = "12G"
# }

# What every project has unless its own file says otherwise; any setting of a project file may
# stand here:
#
# defaults {
#   hardening = "default"
#
#   gunicorn {
#     workers = "auto"
#     timeout = "30s"
#   }
#
#   proxy {
#     max_body = "25MB"
#     hold     = "30s"
#   }
#
#   limits {
#     tasks = 256
#   }
# }

# What every project's tls block starts from:
#
# tls {
#   email = "ops@client-x.example"
#   ca    = "letsencrypt-staging" # to try things out
# }
