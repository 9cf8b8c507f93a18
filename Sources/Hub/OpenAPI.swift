/// `GET /api/v1/openapi.json`: what the API says of itself (OpenAPI 3.1). A test holds it against a running hub, and so does
/// schemathesis (scripts/test-api).
enum OpenAPI {
    static let document = #"""
        {
         "openapi": "3.1.0",
         "info": {
          "title": "MIDI Hub", "version": "\#(Version.text)",
          "description": "Instants are Unix milliseconds, round-trip times milliseconds. What is unknown is left out. Reading needs no token; changing does. A list has at most `limit` items and, where there are more, a `next` to be given as `cursor`."
         },
         "paths": {
          "/participants": {
           "get": {
            "operationId": "legacyParticipants", "summary": "Names by port, as the older hubs have it",
            "responses": \#(answers("PortNames", 304, 421))
           }
          },
          "/latency": {
           "get": {
            "operationId": "legacyLatency", "summary": "The last 24 hours by name and port, as the older hubs have it",
            "responses": \#(answers("LegacyLatencies", 304, 421, 503))
           }
          },
          "/healthz": {
           "get": {
            "operationId": "health", "summary": "Whether all is well, in words",
            "responses": {
             "200": {"description": "All is well", "content": {"text/plain": {"schema": {"type": "string"}}}},
             "503": {"description": "It is not, and why", "content": {"text/plain": {"schema": {"type": "string"}}}},
             "421": {"$ref": "#/components/responses/421"}
            }
           }
          },
          "/metrics": {
           "get": {
            "operationId": "metrics", "summary": "Figures in Prometheus' text format; participants by name, at most 500",
            "responses": {
             "200": {"description": "The figures", "content": {"text/plain": {"schema": {"type": "string"}}}},
             "421": {"$ref": "#/components/responses/421"}
            }
           }
          },
          "/api/v1/openapi.json": {
           "get": {
            "operationId": "openapi", "summary": "This description",
            "responses": \#(answers("Description", 304, 400, 421))
           }
          },
          "/api/v1/status": {
           "get": {
            "operationId": "status", "summary": "The hub and its engines",
            "responses": \#(answers("Status", 304, 400, 421))
           }
          },
          "/api/v1/rooms": {
           "get": {
            "operationId": "rooms", "summary": "The rooms",
            "parameters": [{"$ref": "#/components/parameters/Limit"}, {"$ref": "#/components/parameters/Cursor"}],
            "responses": \#(answers("Rooms", 304, 400, 421))
           }
          },
          "/api/v1/participants": {
           "get": {
            "operationId": "participants", "summary": "Who is there; addresses with the token only",
            "parameters": [{"$ref": "#/components/parameters/Limit"}, {"$ref": "#/components/parameters/Cursor"}],
            "security": [{}, {"token": []}],
            "responses": \#(answers("Participants", 304, 400, 401, 421, 429))
           }
          },
          "/api/v1/wires": {
           "get": {
            "operationId": "wires", "summary": "Who hears whom, and why who does not",
            "parameters": [{"$ref": "#/components/parameters/Limit"}, {"$ref": "#/components/parameters/Cursor"}],
            "responses": \#(answers("Wires", 304, 400, 421))
           }
          },
          "/api/v1/latency": {
           "get": {
            "operationId": "latency",
            "summary": "Measured round trips, also of visits that are over, by participant and time",
            "description": "A page may have fewer points than asked for, even none, and yet a next one.",
            "parameters": [
             \#(query("from", number, "Unix milliseconds; an hour ago without it")),
             \#(query("to", number, "Unix milliseconds; now without it")),
             \#(query("step", integer(0, 86_400_000), "One point for so many milliseconds; every one kept without it")),
             \#(query("participant", identifier, "Only this one, here or gone")),
             \#(query("room", text, "Only in this room")),
             \#(query("limit", integer(1, 10_000), "How many points at most; 5000 without it")),
             {"$ref": "#/components/parameters/Cursor"}
            ],
            "responses": \#(answers("Samples", 304, 400, 421, 503))
           }
          },
          "/api/v1/events": {
           "get": {
            "operationId": "events", "summary": "What happened, the newest first, or after an id the oldest first; addresses with the token only",
            "parameters": [
             \#(query("limit", integer(1, 1000), "How many at most; 50 without it")),
             {"$ref": "#/components/parameters/Cursor"},
             \#(query("after", number, "Newer than this id")),
             \#(query("kind", list(text), "Only these kinds, with commas between"))
            ],
            "security": [{}, {"token": []}],
            "responses": \#(answers("Events", 304, 400, 401, 421, 429, 503))
           }
          },
          "/api/v1/sounding": {
           "get": {
            "operationId": "sounding", "summary": "What participants hold and have set",
            "parameters": [{"$ref": "#/components/parameters/Limit"}, {"$ref": "#/components/parameters/Cursor"}],
            "responses": \#(answers("Sounding", 400, 421))
           }
          },
          "/api/v1/stream": {
           "get": {
            "operationId": "stream",
            "summary": "Server-sent events: a whole of each view, then changes; events in their order",
            "parameters": [
             \#(query("views", list(views), "With commas between; all but sounding without it")),
             {
              "name": "Last-Event-ID", "in": "header", "schema": {"type": "string"},
              "description": "The last event seen: those after it follow, or a reset"
             }
            ],
            "security": [{}, {"token": []}],
            "responses": {
             "200": {"description": "While somebody views it", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
             \#(refusals(400, 401, 421, 429, 503))
            }
           }
          },
          "/api/v1/panic": {
           "post": {
            "operationId": "panic", "summary": "Ends what sounds", "security": [{"token": []}],
            "parameters": [
             \#(query("room", text, "Only there")),
             \#(query("all", #"{"type": "integer", "enum": [0, 1]}"#, "1: every note, sounding or not"))
            ],
            "responses": \#(done(404, 503))
           }
          },
          "/api/v1/participants/{id}/kick": {
           "post": {
            "operationId": "kick", "summary": "Sends a participant away", "security": [{"token": []}],
            "parameters": [{"$ref": "#/components/parameters/Participant"}],
            "responses": \#(done(404, 503))
           }
          },
          "/api/v1/participants/{id}/unmute": {
           "post": {
            "operationId": "unmute", "summary": "Lets a participant be heard again that was muted for a feedback loop",
            "security": [{"token": []}], "parameters": [{"$ref": "#/components/parameters/Participant"}],
            "responses": \#(done(404, 503))
           }
          },
          "/api/v1/participants/{id}/release": {
           "post": {
            "operationId": "release", "summary": "Ends at those who hear a participant what it is thought to hold",
            "security": [{"token": []}], "parameters": [{"$ref": "#/components/parameters/Participant"}],
            "responses": \#(done(404, 503))
           }
          },
          "/api/v1/participants/{id}/notes-off": {
           "post": {
            "operationId": "notesOff", "summary": "Sends a participant note-offs on all channels", "security": [{"token": []}],
            "parameters": [
             {"$ref": "#/components/parameters/Participant"},
             \#(query("from", integer(0, 127), "A note; 0 without it")),
             \#(query("to", integer(0, 127), "The other end of the range; 127 without it"))
            ],
            "responses": \#(done(404, 503))
           }
          },
          "/api/v1/rooms/{name}/blocks": {
           "parameters": [
            {"$ref": "#/components/parameters/Name"}, {"$ref": "#/components/parameters/From"},
            {"$ref": "#/components/parameters/To"}
           ],
           "post": {
            "operationId": "block", "summary": "Keeps one from hearing another, by name, also after a restart",
            "security": [{"token": []}], "responses": \#(done(404, 409, 503))
           },
           "delete": {
            "operationId": "unblock", "summary": "Lifts a block",
            "security": [{"token": []}], "responses": \#(done(404, 503))
           }
          },
          "/api/v1/rooms/{name}/piano": {
           "parameters": [
            {"$ref": "#/components/parameters/Name"},
            \#(query("player", word, "Made up by the page: each has a piano of its own", isRequired: true))
           ],
           "post": {
            "operationId": "piano", "security": [{"token": []}],
            "summary": "Plays in a room, as a participant that joins for it and leaves a minute after the last key",
            "parameters": [
             \#(query("keys", keys, "NOTE:VELOCITY with commas between, at most 64; velocity 0 lets go. None: somebody still holds some"))
            ],
            "responses": \#(answers("Played", 400, 401, 404, 409, 421, 429, 503))
           },
           "delete": {
            "operationId": "leavePiano", "summary": "Lets go of all keys and leaves",
            "security": [{"token": []}], "responses": \#(done(404, 503))
           }
          },
          "/api/v1/rooms/{name}/echo": {
           "parameters": [{"$ref": "#/components/parameters/Name"}],
           "post": {
            "operationId": "echo", "summary": "Gives back to each what it plays", "security": [{"token": []}],
            "parameters": [
             \#(query("seconds", integer(1, 1800), "When it switches itself off; half an hour where that is not said"))
            ],
            "responses": \#(done(404, 409, 503))
           },
           "delete": {
            "operationId": "endEcho", "summary": "Ends that", "security": [{"token": []}],
            "responses": \#(done(404, 503))
           }
          },
          "/api/v1/engines/{name}/restart": {
           "post": {
            "operationId": "restart", "summary": "Restarts an engine", "security": [{"token": []}],
            "parameters": [{"$ref": "#/components/parameters/Name"}],
            "responses": \#(done(202, 404))
           }
          },
          "/api/v1/reload": {
           "post": {
            "operationId": "reload", "summary": "Reads the configuration again", "security": [{"token": []}],
            "responses": \#(done())
           }
          },
          "/api/v1/alerts": {
           "get": {
            "operationId": "alerts", "summary": "What the webhook is told, and from which limits on; not its address",
            "responses": \#(answers("Alerts", 400, 421))
           }
          },
          "/api/v1/alerts/test": {
           "post": {
            "operationId": "testAlert", "summary": "Sends the webhook a test message", "security": [{"token": []}],
            "responses": \#(done(404, 503))
           }
          },
          "/api/v1/stop": {
           "post": {
            "operationId": "stop", "summary": "Ends hub and engines; over hub.sock only", "security": [{"token": []}],
            "responses": \#(done(202, 403))
           }
          }
         },
         "components": \#(components)
        }

        """#

    // MARK: What comes again and again

    /// Whole numbers that every JSON reader takes as they are.
    private static let number = integer(0, 9_007_199_254_740_991)
    private static let identifier = ##"{"$ref": "#/components/schemas/ID"}"##
    private static let text = ##"{"$ref": "#/components/schemas/Text"}"##
    private static let views =
        #"{"type": "string", "enum": ["status", "participants", "wires", "rooms", "latency", "activity", "sounding", "event"]}"#

    private static let word = #"{"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9]+$"}"#
    private static let keys = {
        let number = "(12[0-7]|1[01][0-9]|[1-9]?[0-9])"
        let key = "\(number):\(number)"
        return #"{"type": "string", "pattern": "^(\#(key)(,\#(key)){0,63})?$"}"#
    }()

    private static func integer(_ least: Int, _ most: Int) -> String {
        #"{"type": "integer", "minimum": \#(least), "maximum": \#(most)}"#
    }

    private static func list(_ items: String) -> String {
        #"{"type": "array", "minItems": 1, "items": \#(items)}"#
    }

    /// A list is written with commas between.
    private static func query(
        _ name: String, _ schema: String, _ words: String, isRequired: Bool = false
    ) -> String {
        let required = isRequired ? #""required": true, "# : ""
        return
            #"{"name": "\#(name)", "in": "query", "explode": false, \#(required)"schema": \#(schema), "description": "\#(words)"}"#
    }

    /// 200 with this schema, or one of the other answers.
    private static func answers(_ schema: String, _ others: Int...) -> String {
        let content = ##"{"application/json": {"schema": {"$ref": "#/components/schemas/\##(schema)"}}}"##
        return #"{"200": {"description": "So it is", "content": \#(content)}, \#(refusals(others))}"#
    }

    /// What each order may answer, and these: 202 stands for 200.
    private static func done(_ others: Int...) -> String {
        "{\(refusals((others.contains(202) ? [] : [200]) + [400, 401, 421, 429] + others))}"
    }

    /// What stands behind such a reference. `header` comes with it.
    static func problem(_ code: Int, _ words: String, header: String? = nil) -> String {
        let content = ##"{"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}"##
        let headers =
            header.map { #""headers": {"\#($0)": {"required": true, "schema": {"type": "string"}}}, "# } ?? ""
        return #""\#(code)": {"description": "\#(words)", \#(headers)"content": \#(content)}"#
    }

    private static func refusals(_ codes: Int...) -> String { refusals(codes) }
    private static func refusals(_ codes: [Int]) -> String {
        codes.sorted().map { ##""\##($0)": {"$ref": "#/components/responses/\##($0)"}"## }.joined(separator: ", ")
    }
}
