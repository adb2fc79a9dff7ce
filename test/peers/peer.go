package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"sandwich/proxy/route"
)

// newServer has two addresses that are free.
func newServer(name string, files bool) (*server, error) {
	one := &server{name: name, files: files}
	for _, address := range []*string{&one.http, &one.https} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return one, err
		}
		defer l.Close()
		*address = l.Addr().String()
	}
	return one, nil
}

// configure writes a peer's configuration. {x} in it stands for what is known of the stage.
func (s *stage) configure(one *server, text string) (path string, err error) {
	path = s.path(one.name + ".conf")
	text = strings.NewReplacer("{dir}", s.dir, "{http}", one.http, "{https}", one.https,
		"{httpport}", portOf(one.http), "{httpsport}", portOf(one.https)).Replace(text)
	return path, os.WriteFile(path, []byte(text), 0o644)
}

func (s *stage) nginx(string) (*server, error) {
	one, err := newServer("nginx", true)
	if err != nil {
		return one, err
	}
	conf, err := s.configure(one, `user root;
worker_processes 1;
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/nginx.err;
events { worker_connections 16000; }
http {
  access_log {dir}/nginx.log combined buffer=64k flush=5s;
  types { text/css css; }
  sendfile on; tcp_nopush on; keepalive_requests 100000000; keepalive_timeout 300; open_file_cache max=100;
  client_body_temp_path {dir}/nginx.1; proxy_temp_path {dir}/nginx.2; fastcgi_temp_path {dir}/nginx.3; uwsgi_temp_path {dir}/nginx.4; scgi_temp_path {dir}/nginx.5;
  proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
  ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem;
  server {
    listen {http}; listen {https} ssl http2; server_name bench.example;
    location /static/ { alias {dir}/www/; }
    location / { proxy_pass http://unix:{dir}/app.sock; }
  }
  server {
    listen {http}; listen {https} ssl http2; server_name polls.example;
    location / { proxy_pass http://unix:{dir}/django.sock; }
  }
}
`)
	one.command = []string{"nginx", "-c", conf}
	return one, err
}

func (s *stage) haproxy(string) (*server, error) {
	one, err := newServer("haproxy", false)
	if err != nil {
		return one, err
	}
	conf, err := s.configure(one, `global
  nbthread 1
  maxconn 9000
defaults
  mode http
  option forwardfor
  timeout connect 5s
  timeout client 300s
  timeout server 60s
frontend all
  bind {http}
  bind {https} ssl crt {dir}/both.pem alpn h2,http/1.1
  use_backend polls if { hdr(host) polls.example }
  default_backend pages
backend pages
  http-reuse never
  server app unix@{dir}/app.sock
backend polls
  server app unix@{dir}/django.sock
`)
	one.command = []string{"haproxy", "-db", "-f", conf}
	return one, err
}

func (s *stage) caddy(programs string) (*server, error) {
	one, err := newServer("caddy", true)
	if err != nil {
		return one, err
	}
	conf, err := s.configure(one, `{
  admin off
  auto_https off
  persist_config off
}
(bench) {
  bind 127.0.0.1
  log {
    output file {dir}/caddy.log
  }
  handle_path /static/* {
    root * {dir}/www
    file_server
  }
  reverse_proxy unix/{dir}/app.sock
}
http://bench.example:{httpport} {
  import bench
}
https://bench.example:{httpsport} {
  import bench
  tls {dir}/cert.pem {dir}/key.pem
}
http://polls.example:{httpport} {
  bind 127.0.0.1
  reverse_proxy unix/{dir}/django.sock
}
`)
	one.command = []string{filepath.Join(programs, "caddy"), "run", "--adapter", "caddyfile", "--config", conf}
	one.env = []string{"HOME=" + s.dir}
	return one, err
}

func (s *stage) sandwich(programs string) (*server, error) {
	one := &server{name: "sandwich", files: true}
	for _, address := range []*string{&one.http, &one.https} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return one, err
		}
		file, err := l.(*net.TCPListener).File()
		if err != nil {
			return one, err
		}
		*address = l.Addr().String()
		one.sockets = append(one.sockets, file)
		l.Close()
	}
	for _, dir := range []string{"routes", "spool", "run", "logs", "tls"} {
		if err := os.Mkdir(s.path(dir), 0o700); err != nil {
			return one, err
		}
	}
	tls := &route.TLS{Mode: route.TLSFiles, Certificate: s.path("cert.pem"), Key: s.path("key.pem"), Redirect: "never"}
	err := s.route("bench", s.path("app.sock"), tls, route.Static{Prefix: "/static/", Root: s.path("www"), MaxAge: 60})
	if err == nil {
		err = s.route("polls", s.path("django.sock"), nil)
	}
	if err != nil {
		return one, err
	}
	settings := s.path("proxy.json")
	// sh gives LISTEN_PID the number that the proxy will have.
	one.command = []string{"sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, filepath.Join(programs, "sandwich-proxy"), "-bus=false",
		"-settings", settings, "-routes", s.path("routes"), "-cache", s.path("spool"), "-runtime", s.path("run"), "-logs", s.path("logs"), "-tls", s.path("tls")}
	one.env = []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=http:http"}
	return one, os.WriteFile(settings, fmt.Appendf(nil, `{"version": 1, "https": [%q]}`, one.https), 0o644)
}

// route is what a project file with nothing but a root compiles to.
func (s *stage) route(name, socket string, tls *route.TLS, static ...route.Static) error {
	data, err := route.Encode(&route.Route{
		Version: route.Version, Name: name, Domains: []string{name + ".example"}, Upstream: route.Upstream{Network: "unix", Address: socket},
		Static: static, MaxBody: 25 << 20, TimeoutMS: 60000, HoldMS: 30000, BufferRequests: true, BufferResponses: true, Compress: true, TLS: tls,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.path("routes"), name+".json"), data, 0o644)
}

func portOf(address string) string { _, port, _ := net.SplitHostPort(address); return port }
