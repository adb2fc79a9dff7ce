root = "/srv/client-x"
redirect "old.client-x.example" {
}
