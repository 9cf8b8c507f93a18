/// `GET /api/v1/openapi.json`: what the API says of itself (OpenAPI 3.1). A test holds it against a running hub.
enum OpenAPI {
    static let document = #"""
        {
         "openapi": "3.1.0",
         "info": {"title": "MIDI Hub", "version": "\#(Version.text)", "description": "Instants are Unix milliseconds, round-trip times milliseconds. What is unknown is left out. Reading needs no token; changing does."},
         "paths": {
          "/participants": {
           "get": {
            "operationId": "legacyParticipants",
            "summary": "Names by port, as the older hubs have it",
            "responses": {
             "200": {
              "description": "So it is",
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PortNames"}}}
             },
             "304": {"description": "As the ETag given"},
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            }
           }
          },
          "/latency": {
           "get": {
            "operationId": "legacyLatency",
            "summary": "The last 24 hours by name and port, as the older hubs have it",
            "responses": {
             "200": {
              "description": "So it is",
              "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/LegacyLatency"}}}}
             },
             "304": {"description": "As the ETag given"},
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "503": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            }
           }
          },
          "/healthz": {
           "get": {
            "operationId": "health",
            "summary": "Whether all is well, in words",
            "responses": {
             "200": {"description": "All is well", "content": {"text/plain": {"schema": {"type": "string"}}}},
             "503": {"description": "It is not, and why", "content": {"text/plain": {"schema": {"type": "string"}}}},
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            }
           }
          },
          "/api/v1/openapi.json": {
           "get": {
            "operationId": "openapi",
            "summary": "This description",
            "responses": {
             "200": {
              "description": "So it is",
              "content": {"application/json": {"schema": {"type": "object", "additionalProperties": true}}}
             },
             "304": {"description": "As the ETag given"},
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            }
           }
          },
          "/api/v1/status": {
           "get": {
            "operationId": "status",
            "summary": "The hub and its engines",
            "responses": {
             "200": {
              "description": "So it is",
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Status"}}}
             },
             "304": {"description": "As the ETag given"},
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            }
           }
          },
          "/api/v1/rooms": {
           "get": {
            "operationId": "rooms",
            "summary": "The rooms",
            "responses": {
             "200": {
              "description": "So it is",
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Rooms"}}}
             },
             "304": {"description": "As the ETag given"},
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            }
           }
          },
          "/api/v1/participants": {
           "get": {
            "operationId": "participants",
            "summary": "Who is there; addresses with the token only",
            "responses": {
             "200": {
              "description": "So it is",
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Participants"}}}
             },
             "304": {"description": "As the ETag given"},
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            }
           }
          },
          "/api/v1/wires": {
           "get": {
            "operationId": "wires",
            "summary": "Who hears whom, and why who does not",
            "responses": {
             "200": {
              "description": "So it is",
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Wires"}}}
             },
             "304": {"description": "As the ETag given"},
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            }
           }
          },
          "/api/v1/latency": {
           "get": {
            "operationId": "latency",
            "summary": "Measured round trips of those who are there",
            "responses": {
             "200": {
              "description": "So it is",
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Samples"}}}
             },
             "304": {"description": "As the ETag given"},
             "400": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "503": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            },
            "parameters": [
             {
              "name": "from",
              "in": "query",
              "schema": {"type": "integer", "format": "int64"},
              "description": "Unix milliseconds; an hour ago without it"
             },
             {
              "name": "to",
              "in": "query",
              "schema": {"type": "integer", "format": "int64"},
              "description": "Unix milliseconds; now without it"
             },
             {
              "name": "step",
              "in": "query",
              "schema": {"type": "integer", "minimum": 0, "maximum": 86400000},
              "description": "One point for so many milliseconds"
             },
             {
              "name": "participant",
              "in": "query",
              "schema": {"type": "integer", "format": "int64", "minimum": 1},
              "description": "Only this one"
             },
             {
              "name": "limit",
              "in": "query",
              "schema": {"type": "integer", "minimum": 1, "maximum": 10000},
              "description": "Points of each participant"
             }
            ]
           }
          },
          "/api/v1/events": {
           "get": {
            "operationId": "events",
            "summary": "What happened: the newest first, or after an id the oldest first",
            "responses": {
             "200": {
              "description": "So it is",
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Events"}}}
             },
             "304": {"description": "As the ETag given"},
             "400": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "503": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            },
            "parameters": [
             {
              "name": "limit",
              "in": "query",
              "schema": {"type": "integer", "minimum": 1, "maximum": 1000},
              "description": "How many; 50 without it"
             },
             {
              "name": "before",
              "in": "query",
              "schema": {"type": "integer", "format": "int64", "minimum": 0},
              "description": "Older than this id; not together with after"
             },
             {
              "name": "after",
              "in": "query",
              "schema": {"type": "integer", "format": "int64", "minimum": 0},
              "description": "Newer than this id"
             },
             {
              "name": "kind",
              "in": "query",
              "schema": {"type": "string"},
              "description": "Only these kinds, with commas between"
             }
            ]
           }
          },
          "/api/v1/sounding": {
           "get": {
            "operationId": "sounding",
            "summary": "What participants hold and have set",
            "responses": {
             "200": {
              "description": "So it is",
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Sounding"}}}
             },
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            }
           }
          },
          "/api/v1/stream": {
           "get": {
            "operationId": "stream",
            "summary": "Server-sent events: a whole of each view, then changes; events in their order",
            "responses": {
             "200": {"description": "So it is", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
             "400": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "503": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            },
            "parameters": [
             {
              "name": "views",
              "in": "query",
              "schema": {"type": "string"},
              "description": "Of status, participants, wires, rooms, latency, activity, sounding and event, with commas between; all but sounding without it"
             },
             {
              "name": "Last-Event-ID",
              "in": "header",
              "schema": {"type": "string"},
              "description": "The last event seen: those after it follow, or a reset"
             }
            ]
           }
          },
          "/api/v1/panic": {
           "post": {
            "operationId": "panic",
            "summary": "Ends what sounds",
            "responses": {
             "200": {"description": "So it is", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}},
             "400": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "401": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "404": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "503": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            },
            "parameters": [
             {"name": "room", "in": "query", "schema": {"type": "string"}, "description": "Only there"},
             {
              "name": "all",
              "in": "query",
              "schema": {"type": "integer", "enum": [0, 1]},
              "description": "1: every note, sounding or not"
             }
            ],
            "security": [{"token": []}]
           }
          },
          "/api/v1/participants/{id}/kick": {
           "post": {
            "operationId": "kick",
            "summary": "Sends a participant away",
            "responses": {
             "200": {"description": "So it is", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}},
             "401": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "404": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "503": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            },
            "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer", "format": "int64", "minimum": 1}}],
            "security": [{"token": []}]
           }
          },
          "/api/v1/participants/{id}/notes-off": {
           "post": {
            "operationId": "notesOff",
            "summary": "Sends a participant note-offs on all channels",
            "responses": {
             "200": {"description": "So it is", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}},
             "400": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "401": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "404": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "503": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            },
            "parameters": [
             {"name": "id", "in": "path", "required": true, "schema": {"type": "integer", "format": "int64", "minimum": 1}},
             {
              "name": "from",
              "in": "query",
              "schema": {"type": "integer", "minimum": 0, "maximum": 127},
              "description": "The lowest note"
             },
             {
              "name": "to",
              "in": "query",
              "schema": {"type": "integer", "minimum": 0, "maximum": 127},
              "description": "The highest"
             }
            ],
            "security": [{"token": []}]
           }
          },
          "/api/v1/rooms/{name}/piano": {
           "post": {
            "operationId": "piano",
            "summary": "Plays in a room, as a participant that joins for it and leaves a minute after the last key",
            "responses": {
             "200": {"description": "So it is", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Played"}}}},
             "400": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "401": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "404": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "409": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "503": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            },
            "parameters": [
             {"name": "name", "in": "path", "required": true, "schema": {"type": "string"}},
             {
              "name": "player",
              "in": "query",
              "required": true,
              "schema": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9]+$"},
              "description": "Made up by the page: each has a piano of its own"
             },
             {
              "name": "keys",
              "in": "query",
              "schema": {"type": "string", "pattern": "^((12[0-7]|1[01][0-9]|[1-9]?[0-9]):(12[0-7]|1[01][0-9]|[1-9]?[0-9])(,(12[0-7]|1[01][0-9]|[1-9]?[0-9]):(12[0-7]|1[01][0-9]|[1-9]?[0-9])){0,63})?$"},
              "description": "NOTE:VELOCITY with commas between, at most 64; velocity 0 lets go. None: somebody still holds some"
             }
            ],
            "security": [{"token": []}]
           },
           "delete": {
            "operationId": "leavePiano",
            "summary": "Lets go of all keys and leaves",
            "responses": {
             "200": {"description": "So it is", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}},
             "400": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "401": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "404": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "503": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            },
            "parameters": [
             {"name": "name", "in": "path", "required": true, "schema": {"type": "string"}},
             {
              "name": "player",
              "in": "query",
              "required": true,
              "schema": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9]+$"},
              "description": "Made up by the page: each has a piano of its own"
             }
            ],
            "security": [{"token": []}]
           }
          },
          "/api/v1/rooms/{name}/echo": {
           "post": {
            "operationId": "echo",
            "summary": "Gives back to each what it plays",
            "responses": {
             "200": {"description": "So it is", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}},
             "400": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "401": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "404": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "409": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "503": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            },
            "parameters": [
             {"name": "name", "in": "path", "required": true, "schema": {"type": "string"}},
             {
              "name": "seconds",
              "in": "query",
              "schema": {"type": "integer", "minimum": 1, "maximum": 1800},
              "description": "When it switches itself off; half an hour where that is not said"
             }
            ],
            "security": [{"token": []}]
           },
           "delete": {
            "operationId": "endEcho",
            "summary": "Ends that",
            "responses": {
             "200": {"description": "So it is", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}},
             "400": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "401": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "404": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "503": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            },
            "parameters": [{"name": "name", "in": "path", "required": true, "schema": {"type": "string"}}],
            "security": [{"token": []}]
           }
          },
          "/api/v1/rooms/{name}/blocks": {
           "post": {
            "operationId": "block",
            "summary": "Keeps one from hearing another, by name, also after a restart",
            "responses": {
             "200": {"description": "So it is", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}},
             "400": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "401": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "404": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "409": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "503": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            },
            "parameters": [
             {"name": "name", "in": "path", "required": true, "schema": {"type": "string"}},
             {
              "name": "from",
              "in": "query",
              "schema": {"type": "string", "minLength": 1},
              "description": "Who is not to be heard, at most 1024 bytes",
              "required": true
             },
             {
              "name": "to",
              "in": "query",
              "schema": {"type": "string", "minLength": 1},
              "description": "By whom, at most 1024 bytes",
              "required": true
             }
            ],
            "security": [{"token": []}]
           },
           "delete": {
            "operationId": "unblock",
            "summary": "Lifts a block",
            "responses": {
             "200": {"description": "So it is", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}},
             "400": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "401": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "404": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "503": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            },
            "parameters": [
             {"name": "name", "in": "path", "required": true, "schema": {"type": "string"}},
             {
              "name": "from",
              "in": "query",
              "schema": {"type": "string", "minLength": 1},
              "description": "Who is not to be heard, at most 1024 bytes",
              "required": true
             },
             {
              "name": "to",
              "in": "query",
              "schema": {"type": "string", "minLength": 1},
              "description": "By whom, at most 1024 bytes",
              "required": true
             }
            ],
            "security": [{"token": []}]
           }
          },
          "/api/v1/engines/{name}/restart": {
           "post": {
            "operationId": "restart",
            "summary": "Restarts an engine",
            "responses": {
             "202": {
              "description": "It is under way",
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}
             },
             "401": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "404": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            },
            "parameters": [{"name": "name", "in": "path", "required": true, "schema": {"type": "string"}}],
            "security": [{"token": []}]
           }
          },
          "/api/v1/reload": {
           "post": {
            "operationId": "reload",
            "summary": "Reads the configuration again",
            "responses": {
             "200": {"description": "So it is", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}},
             "400": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "401": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            },
            "security": [{"token": []}]
           }
          },
          "/api/v1/stop": {
           "post": {
            "operationId": "stop",
            "summary": "Ends hub and engines; over hub.sock only",
            "responses": {
             "202": {
              "description": "It is under way",
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}
             },
             "401": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "403": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             },
             "421": {
              "description": "In words",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
             }
            },
            "security": [{"token": []}]
           }
          }
         },
         "components": {
          "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
          "schemas": {
           "Problem": {
            "type": "object",
            "additionalProperties": false,
            "required": ["detail", "status", "title"],
            "properties": {
             "title": {"type": "string"},
             "status": {"type": "integer", "minimum": 400, "maximum": 599},
             "detail": {"type": "string", "description": "One sentence for people"}
            }
           },
           "Done": {
            "type": "object",
            "additionalProperties": false,
            "required": ["done", "text"],
            "properties": {"done": {"type": "boolean"}, "text": {"type": "string", "description": "What was done, in a sentence"}}
           },
           "Played": {
            "type": "object",
            "additionalProperties": false,
            "required": ["done", "name", "text"],
            "properties": {
             "done": {"type": "boolean"},
             "text": {"type": "string"},
             "name": {"type": "string", "description": "Of the piano, as the others see it"},
             "echo": {"type": "number", "minimum": 0, "description": "Milliseconds of the first note to the room and back, where there is an echo"}
            }
           },
           "Trouble": {
            "type": "object",
            "additionalProperties": false,
            "required": ["what"],
            "properties": {"what": {"type": "string"}, "fix": {"type": "string"}}
           },
           "Health": {
            "type": "object",
            "additionalProperties": false,
            "required": ["ok", "problems", "sentence"],
            "properties": {
             "ok": {"type": "boolean"},
             "sentence": {"type": "string"},
             "problems": {"type": "array", "items": {"$ref": "#/components/schemas/Trouble"}}
            }
           },
           "Engine": {
            "type": "object",
            "additionalProperties": false,
            "required": ["adopted", "disbelievedLines", "kind", "name", "port", "restarts", "room", "since", "state", "unknownLines"],
            "properties": {
             "name": {"type": "string"},
             "kind": {"type": "string", "enum": ["rtpmidid", "embedded"]},
             "state": {"type": "string", "enum": ["starting", "up", "down", "failed", "stopping"]},
             "port": {"type": "integer", "minimum": 1, "maximum": 65535},
             "room": {"type": "string"},
             "since": {"type": "integer", "format": "int64", "description": "Unix milliseconds"},
             "restarts": {"type": "integer", "minimum": 0},
             "adopted": {"type": "boolean"},
             "unknownLines": {"type": "integer", "minimum": 0},
             "disbelievedLines": {"type": "integer", "minimum": 0},
             "reason": {"type": "string"},
             "fix": {"type": "string"},
             "pid": {"type": "integer", "minimum": 0},
             "version": {"type": "string"},
             "logRead": {"type": "integer", "minimum": 0},
             "logLag": {"type": "integer", "minimum": 0}
            }
           },
           "Counts": {
            "type": "object",
            "additionalProperties": false,
            "required": ["participants", "rooms", "wires"],
            "properties": {
             "participants": {"type": "integer", "minimum": 0},
             "wires": {"type": "integer", "minimum": 0},
             "rooms": {"type": "integer", "minimum": 0}
            }
           },
           "Store": {
            "type": "object",
            "additionalProperties": false,
            "required": ["lost", "state"],
            "properties": {
             "state": {"type": "string", "enum": ["recording", "stopped"]},
             "lost": {"type": "integer", "minimum": 0},
             "reason": {"type": "string"}
            }
           },
           "Status": {
            "type": "object",
            "additionalProperties": false,
            "required": ["addresses", "counts", "engines", "health", "name", "pid", "startedAt", "store", "version"],
            "properties": {
             "name": {"type": "string"},
             "version": {"type": "string"},
             "pid": {"type": "integer", "minimum": 0},
             "startedAt": {"type": "integer", "format": "int64", "description": "Unix milliseconds"},
             "health": {"$ref": "#/components/schemas/Health"},
             "addresses": {"type": "array", "items": {"type": "string"}},
             "engines": {"type": "array", "items": {"$ref": "#/components/schemas/Engine"}},
             "counts": {"$ref": "#/components/schemas/Counts"},
             "store": {"$ref": "#/components/schemas/Store"}
            }
           },
           "Room": {
            "type": "object",
            "additionalProperties": false,
            "required": ["name", "participants", "policy", "ports", "wires"],
            "properties": {
             "name": {"type": "string"},
             "policy": {"type": "string", "enum": ["auto", "named", "all", "pair"]},
             "ports": {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 65535}},
             "participants": {"type": "integer", "minimum": 0},
             "wires": {"type": "integer", "minimum": 0}
            }
           },
           "Rooms": {
            "type": "object",
            "additionalProperties": false,
            "required": ["rooms"],
            "properties": {"rooms": {"type": "array", "items": {"$ref": "#/components/schemas/Room"}}}
           },
           "RoundTrip": {
            "type": "object",
            "additionalProperties": false,
            "required": ["average", "last", "lastAt", "max", "min", "samples"],
            "properties": {
             "last": {"type": "number", "minimum": 0, "description": "milliseconds"},
             "average": {"type": "number", "minimum": 0, "description": "milliseconds"},
             "min": {"type": "number", "minimum": 0, "description": "milliseconds"},
             "max": {"type": "number", "minimum": 0, "description": "milliseconds"},
             "samples": {"type": "integer", "minimum": 0},
             "lastAt": {"type": "integer", "format": "int64", "description": "Unix milliseconds"},
             "p95": {"type": "number", "minimum": 0, "description": "milliseconds"}
            }
           },
           "Participant": {
            "type": "object",
            "additionalProperties": false,
            "required": ["engine", "id", "name", "port", "receives", "room", "sends", "since", "state"],
            "properties": {
             "id": {"type": "integer", "format": "int64"},
             "name": {"type": "string"},
             "room": {"type": "string"},
             "port": {"type": "integer", "minimum": 1, "maximum": 65535},
             "engine": {"type": "string"},
             "state": {"type": "string", "enum": ["present", "silent", "ghost", "duplicate"]},
             "since": {"type": "integer", "format": "int64", "description": "Unix milliseconds"},
             "sends": {"type": "boolean"},
             "receives": {"type": "boolean"},
             "rtt": {"$ref": "#/components/schemas/RoundTrip"},
             "jitter": {"type": "number", "minimum": 0, "description": "milliseconds"},
             "loss": {
              "type": "number",
              "minimum": 0,
              "maximum": 1,
              "description": "The part of its packets lost in the last minute"
             },
             "received": {"type": "integer", "minimum": 0},
             "lost": {"type": "integer", "minimum": 0},
             "repaired": {"type": "integer", "minimum": 0},
             "remark": {"type": "string"},
             "address": {"type": "string", "description": "With the token only"},
             "ssrc": {"type": "integer", "minimum": 0},
             "echo": {"type": "boolean", "description": "The hub's own echo, which gives back to each what it plays"},
             "until": {"type": "integer", "format": "int64", "description": "Of the echo: when it ends, in Unix milliseconds"}
            }
           },
           "Participants": {
            "type": "object",
            "additionalProperties": false,
            "required": ["participants"],
            "properties": {"participants": {"type": "array", "items": {"$ref": "#/components/schemas/Participant"}}}
           },
           "Sounding": {
            "type": "object",
            "additionalProperties": false,
            "required": ["sounding"],
            "properties": {"sounding": {"type": "array", "items": {"$ref": "#/components/schemas/Sounds"}}}
           },
           "Sounds": {
            "type": "object",
            "additionalProperties": false,
            "required": ["participant", "notes", "controls"],
            "properties": {
             "participant": {"type": "integer", "format": "int64"},
             "notes": {"type": "array", "maxItems": 64, "items": {"$ref": "#/components/schemas/HeldNote"}},
             "controls": {"type": "array", "maxItems": 64, "items": {"$ref": "#/components/schemas/SetControl"}}
            }
           },
           "HeldNote": {
            "type": "object",
            "additionalProperties": false,
            "required": ["channel", "note"],
            "properties": {
             "channel": {"type": "integer", "minimum": 1, "maximum": 16},
             "note": {"type": "integer", "minimum": 0, "maximum": 127, "description": "60 is C4"}
            }
           },
           "SetControl": {
            "type": "object",
            "additionalProperties": false,
            "required": ["channel", "what", "value"],
            "properties": {
             "channel": {"type": "integer", "minimum": 1, "maximum": 16},
             "what": {"type": "string", "enum": ["controller", "program", "pressure", "bend"]},
             "number": {"type": "integer", "minimum": 0, "maximum": 127, "description": "Of a controller"},
             "value": {"type": "integer", "minimum": -8192, "maximum": 8191, "description": "0 to 127; of a bend as far as it goes"}
            }
           },
           "Wire": {
            "type": "object",
            "additionalProperties": false,
            "required": ["from", "fromName", "room", "to", "toName"],
            "properties": {
             "room": {"type": "string"},
             "from": {"type": "integer", "format": "int64"},
             "to": {"type": "integer", "format": "int64"},
             "fromName": {"type": "string"},
             "toName": {"type": "string"}
            }
           },
           "Cell": {
            "type": "object",
            "additionalProperties": false,
            "required": ["from", "fromName", "reason", "room", "to", "toName"],
            "properties": {
             "room": {"type": "string"},
             "from": {"type": "integer", "format": "int64"},
             "to": {"type": "integer", "format": "int64"},
             "fromName": {"type": "string"},
             "toName": {"type": "string"},
             "reason": {"type": "string", "description": "Why there is no wire"}
            }
           },
           "Wires": {
            "type": "object",
            "additionalProperties": false,
            "required": ["cells", "wires"],
            "properties": {
             "wires": {"type": "array", "items": {"$ref": "#/components/schemas/Wire"}},
             "cells": {"type": "array", "items": {"$ref": "#/components/schemas/Cell"}}
            }
           },
           "Sample": {
            "type": "object",
            "additionalProperties": false,
            "required": ["at", "max", "min", "name", "participant", "room", "rtt", "samples"],
            "properties": {
             "participant": {"type": "integer", "format": "int64"},
             "name": {"type": "string"},
             "room": {"type": "string"},
             "at": {"type": "integer", "format": "int64", "description": "Unix milliseconds"},
             "rtt": {"type": "number", "minimum": 0, "description": "milliseconds"},
             "min": {"type": "number", "minimum": 0, "description": "milliseconds"},
             "max": {"type": "number", "minimum": 0, "description": "milliseconds"},
             "samples": {"type": "integer", "minimum": 0}
            }
           },
           "Samples": {
            "type": "object",
            "additionalProperties": false,
            "required": ["samples"],
            "properties": {"samples": {"type": "array", "items": {"$ref": "#/components/schemas/Sample"}}}
           },
           "Event": {
            "type": "object",
            "additionalProperties": false,
            "required": ["at", "atLatest", "id", "kind", "severity", "text"],
            "properties": {
             "id": {"type": "integer", "format": "int64"},
             "at": {
              "type": "integer",
              "format": "int64",
              "description": "Unix milliseconds; where only a range is known, its beginning"
             },
             "atLatest": {"type": "integer", "format": "int64", "description": "Unix milliseconds"},
             "kind": {"type": "string"},
             "severity": {"type": "string", "enum": ["info", "warning", "error"]},
             "text": {"type": "string"},
             "room": {"type": "string"},
             "engine": {"type": "string"},
             "participant": {"type": "string"}
            }
           },
           "Events": {
            "type": "object",
            "additionalProperties": false,
            "required": ["events"],
            "properties": {
             "events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
             "next": {"type": "integer", "format": "int64", "description": "Give it as before to read on; absent at the end"}
            }
           },
           "LegacyLatency": {
            "type": "object",
            "additionalProperties": false,
            "required": ["averageLatency", "clientName", "clientPort", "lastLatency", "maxLatency", "minLatency", "timestamp"],
            "properties": {
             "clientName": {"type": "string"},
             "clientPort": {"type": "string"},
             "timestamp": {"type": "string"},
             "averageLatency": {"type": "string"},
             "minLatency": {"type": "string"},
             "maxLatency": {"type": "string"},
             "lastLatency": {"type": "string"}
            }
           },
           "PortNames": {
            "type": "object",
            "description": "A room's port to the names of those on it",
            "additionalProperties": {"type": "array", "items": {"type": "string"}}
           }
          }
         }
        }

        """#
}
