module kubepki.example/judge

go 1.26
