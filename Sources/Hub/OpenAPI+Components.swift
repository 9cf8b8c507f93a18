/// What the description says once and refers to: parameters, answers by their status, and the shapes of `API` and `Snapshot`.
extension OpenAPI {
    static let components = #"""
        {
          "securitySchemes": {
           "token": {
            "type": "http", "scheme": "bearer",
            "description": "A wrong one is answered the later, the more of them come from one address"
           }
          },
          "parameters": {
           "Limit": {
            "name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000},
            "description": "How many at most; 1000 without it"
           },
           "Cursor": {
            "name": "cursor", "in": "query", "schema": {"type": "string", "pattern": "^[0-9]{1,18}(-[0-9]{1,18})?$"},
            "description": "The `next` of the answer before"
           },
           "Participant": {"name": "id", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/ID"}},
           "Name": {
            "name": "name", "in": "path", "required": true, "schema": {"type": "string", "minLength": 1, "pattern": "^[^/\\u0000]*$"},
            "description": "Of the room or engine"
           },
           "From": {
            "name": "from", "in": "query", "required": true, "schema": {"$ref": "#/components/schemas/Name"},
            "description": "Who is not to be heard"
           },
           "To": {
            "name": "to", "in": "query", "required": true, "schema": {"$ref": "#/components/schemas/Name"},
            "description": "By whom"
           }
          },
          "responses": {
           "200": {
            "description": "It is done", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}
           },
           "202": {
            "description": "It is under way",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}
           },
           "304": {"description": "As the ETag given"},
           \#(problem(400, "The request makes no sense")),
           \#(problem(401, "The token is missing or wrong", header: "WWW-Authenticate")),
           \#(problem(403, "Not from here")),
           \#(problem(404, "There is no such thing")),
           \#(problem(409, "There are too many already")),
           \#(problem(421, "The hub does not answer to that host name")),
           \#(problem(429, "Too many wrong tokens; the right one is taken at any time", header: "Retry-After")),
           \#(problem(503, "At the moment the hub cannot"))
          },
          "schemas": {
           "Text": {"type": "string", "pattern": "^[^\\u0000]*$"},
           "Name": {"type": "string", "pattern": "^[^\\u0000]*$", "minLength": 1, "maxLength": 256},
           "Moment": {"type": "integer", "format": "int64", "description": "Unix milliseconds"},
           "Milliseconds": {"type": "number", "minimum": 0},
           "Count": {"type": "integer", "minimum": 0},
           "ID": {"type": "integer", "minimum": 1, "maximum": 9007199254740991},
           "Port": {"type": "integer", "minimum": 1, "maximum": 65535},
           "Next": {"type": "string", "description": "To be given as cursor to read on; absent at the end"},
           "Problem": {
            "type": "object", "additionalProperties": false, "required": ["title", "status", "detail"],
            "properties": {
             "title": {"type": "string"}, "status": {"type": "integer", "minimum": 400, "maximum": 599},
             "detail": {"type": "string", "description": "One sentence for people"}
            }
           },
           "Done": {
            "type": "object", "additionalProperties": false, "required": ["done", "text"],
            "properties": {
             "done": {"type": "boolean"}, "text": {"type": "string", "description": "What was done, in a sentence"}
            }
           },
           "Played": {
            "type": "object", "additionalProperties": false, "required": ["done", "name", "text"],
            "properties": {
             "done": {"type": "boolean"}, "text": {"type": "string"},
             "name": {"type": "string", "description": "Of the piano, as the others see it"},
             "echo": {
              "type": "number", "minimum": 0,
              "description": "Milliseconds of the first note to the room and back, where there is an echo"
             }
            }
           },
           "Description": {
            "type": "object", "additionalProperties": false, "required": ["openapi", "info", "paths", "components"],
            "properties": {
             "openapi": {"type": "string"},
             "info": {
              "type": "object", "additionalProperties": false, "required": ["title", "version", "description"],
              "properties": {
               "title": {"type": "string"}, "version": {"type": "string"}, "description": {"type": "string"}
              }
             },
             "paths": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Anything"}},
             "components": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Anything"}}
            }
           },
           "Anything": {"type": "object", "additionalProperties": true},
           "Trouble": {
            "type": "object", "additionalProperties": false, "required": ["what"],
            "properties": {
             "what": {"type": "string"}, "fix": {"type": "string"}
            }
           },
           "Health": {
            "type": "object", "additionalProperties": false, "required": ["ok", "sentence", "problems"],
            "properties": {
             "ok": {"type": "boolean"}, "sentence": {"type": "string"},
             "problems": {"type": "array", "items": {"$ref": "#/components/schemas/Trouble"}},
             "notices": {
              "type": "array", "maxItems": 3, "items": {"type": "string"},
              "description": "What somebody should look at though the hub is well"
             }
            }
           },
           "Engine": {
            "type": "object", "additionalProperties": false,
            "required": ["name", "kind", "state", "port", "room", "since", "restarts", "adopted", "unknownLines", "disbelievedLines"],
            "properties": {
             "name": {"type": "string"}, "kind": {"type": "string", "enum": ["rtpmidid", "embedded"]},
             "state": {"type": "string", "enum": ["starting", "up", "down", "failed", "stopping"]},
             "port": {"$ref": "#/components/schemas/Port"}, "room": {"type": "string"},
             "since": {"$ref": "#/components/schemas/Moment"}, "restarts": {"$ref": "#/components/schemas/Count"},
             "adopted": {"type": "boolean"}, "unknownLines": {"$ref": "#/components/schemas/Count"},
             "disbelievedLines": {"$ref": "#/components/schemas/Count"}, "reason": {"type": "string"},
             "fix": {"type": "string"}, "pid": {"$ref": "#/components/schemas/Count"}, "version": {"type": "string"},
             "logRead": {"$ref": "#/components/schemas/Count"}, "logLag": {"$ref": "#/components/schemas/Count"}
            }
           },
           "Counts": {
            "type": "object", "additionalProperties": false, "required": ["participants", "wires", "rooms"],
            "properties": {
             "participants": {"$ref": "#/components/schemas/Count"}, "wires": {"$ref": "#/components/schemas/Count"},
             "rooms": {"$ref": "#/components/schemas/Count"}
            }
           },
           "Store": {
            "type": "object", "additionalProperties": false, "required": ["state", "lost"],
            "properties": {
             "state": {"type": "string", "enum": ["recording", "stopped"]}, "lost": {"$ref": "#/components/schemas/Count"},
             "reason": {"type": "string"}
            }
           },
           "Status": {
            "type": "object", "additionalProperties": false,
            "required": ["name", "version", "pid", "startedAt", "health", "addresses", "engines", "counts", "store"],
            "properties": {
             "name": {"type": "string"}, "version": {"type": "string"}, "pid": {"$ref": "#/components/schemas/Count"},
             "startedAt": {"$ref": "#/components/schemas/Moment"}, "health": {"$ref": "#/components/schemas/Health"},
             "addresses": {"type": "array", "items": {"type": "string"}},
             "engines": {"type": "array", "items": {"$ref": "#/components/schemas/Engine"}},
             "counts": {"$ref": "#/components/schemas/Counts"}, "store": {"$ref": "#/components/schemas/Store"}
            }
           },
           "Room": {
            "type": "object", "additionalProperties": false, "required": ["name", "policy", "ports", "participants", "wires"],
            "properties": {
             "name": {"type": "string"}, "policy": {"type": "string", "enum": ["auto", "named", "all", "pair"]},
             "ports": {"type": "array", "items": {"$ref": "#/components/schemas/Port"}},
             "participants": {"$ref": "#/components/schemas/Count"}, "wires": {"$ref": "#/components/schemas/Count"}
            }
           },
           "Rooms": {
            "type": "object", "additionalProperties": false, "required": ["rooms"],
            "properties": {
             "rooms": {"type": "array", "items": {"$ref": "#/components/schemas/Room"}},
             "next": {"$ref": "#/components/schemas/Next"}
            }
           },
           "RoundTrip": {
            "type": "object", "additionalProperties": false,
            "required": ["last", "average", "min", "max", "samples", "lastAt"],
            "properties": {
             "last": {"$ref": "#/components/schemas/Milliseconds"}, "average": {"$ref": "#/components/schemas/Milliseconds"},
             "min": {"$ref": "#/components/schemas/Milliseconds"}, "max": {"$ref": "#/components/schemas/Milliseconds"},
             "p95": {"$ref": "#/components/schemas/Milliseconds"}, "samples": {"$ref": "#/components/schemas/Count"},
             "lastAt": {"$ref": "#/components/schemas/Moment"}
            }
           },
           "Participant": {
            "type": "object", "additionalProperties": false,
            "required": ["id", "name", "room", "port", "engine", "state", "since", "sends", "receives"],
            "properties": {
             "id": {"$ref": "#/components/schemas/ID"}, "name": {"type": "string"}, "room": {"type": "string"},
             "port": {"$ref": "#/components/schemas/Port"}, "engine": {"type": "string"},
             "state": {"type": "string", "enum": ["present", "silent", "ghost", "duplicate"]},
             "since": {"$ref": "#/components/schemas/Moment"}, "sends": {"type": "boolean"}, "receives": {"type": "boolean"},
             "rtt": {"$ref": "#/components/schemas/RoundTrip"}, "jitter": {"$ref": "#/components/schemas/Milliseconds"},
             "loss": {
              "type": "number", "minimum": 0, "maximum": 1, "description": "The part of its packets lost in the last minute"
             },
             "received": {"$ref": "#/components/schemas/Count"}, "lost": {"$ref": "#/components/schemas/Count"},
             "repaired": {"$ref": "#/components/schemas/Count"}, "unreadable": {"$ref": "#/components/schemas/Count"},
             "mayHaveLeftNotes": {
              "type": "boolean", "description": "Of packets that were lost no journal tells, and a note sounds since before"
             },
             "remark": {"type": "string"},
             "address": {"type": "string", "description": "With the token only"},
             "ssrc": {
              "type": "integer", "minimum": 0, "maximum": 4294967295, "description": "With the token only"
             },
             "muted": {"type": "boolean", "description": "Heard by nobody, for sending back what it hears; see unmute"},
             "echo": {"type": "boolean", "description": "The hub's own echo, which gives back to each what it plays"},
             "until": {"$ref": "#/components/schemas/Moment"}
            }
           },
           "Participants": {
            "type": "object", "additionalProperties": false, "required": ["participants"],
            "properties": {
             "participants": {"type": "array", "items": {"$ref": "#/components/schemas/Participant"}},
             "next": {"$ref": "#/components/schemas/Next"}
            }
           },
           "Sounding": {
            "type": "object", "additionalProperties": false, "required": ["sounding"],
            "properties": {
             "sounding": {"type": "array", "items": {"$ref": "#/components/schemas/Sounds"}},
             "next": {"$ref": "#/components/schemas/Next"}
            }
           },
           "Sounds": {
            "type": "object", "additionalProperties": false, "required": ["participant", "notes", "controls"],
            "properties": {
             "participant": {"$ref": "#/components/schemas/ID"},
             "notes": {"type": "array", "maxItems": 64, "items": {"$ref": "#/components/schemas/HeldNote"}},
             "controls": {"type": "array", "maxItems": 64, "items": {"$ref": "#/components/schemas/SetControl"}}
            }
           },
           "HeldNote": {
            "type": "object", "additionalProperties": false, "required": ["channel", "note"],
            "properties": {
             "channel": {"type": "integer", "minimum": 1, "maximum": 16},
             "note": {"type": "integer", "minimum": 0, "maximum": 127, "description": "60 is C4"}
            }
           },
           "SetControl": {
            "type": "object", "additionalProperties": false, "required": ["channel", "what", "value"],
            "properties": {
             "channel": {"type": "integer", "minimum": 1, "maximum": 16},
             "what": {"type": "string", "enum": ["controller", "program", "pressure", "bend"]},
             "number": {"type": "integer", "minimum": 0, "maximum": 127, "description": "Of a controller"},
             "value": {
              "type": "integer", "minimum": -8192, "maximum": 8191, "description": "0 to 127; of a bend as far as it goes"
             }
            }
           },
           "Wire": {
            "type": "object", "additionalProperties": false, "required": ["room", "from", "to", "fromName", "toName"],
            "properties": {
             "room": {"type": "string"}, "from": {"$ref": "#/components/schemas/ID"},
             "to": {"$ref": "#/components/schemas/ID"}, "fromName": {"type": "string"}, "toName": {"type": "string"}
            }
           },
           "Cell": {
            "type": "object", "additionalProperties": false,
            "required": ["room", "from", "to", "fromName", "toName", "reason"],
            "properties": {
             "room": {"type": "string"}, "from": {"$ref": "#/components/schemas/ID"},
             "to": {"$ref": "#/components/schemas/ID"}, "fromName": {"type": "string"}, "toName": {"type": "string"},
             "reason": {"type": "string", "description": "Why there is no wire"}
            }
           },
           "Wires": {
            "type": "object", "additionalProperties": false, "required": ["wires", "cells"],
            "properties": {
             "wires": {"type": "array", "items": {"$ref": "#/components/schemas/Wire"}},
             "cells": {"type": "array", "items": {"$ref": "#/components/schemas/Cell"}},
             "next": {"$ref": "#/components/schemas/Next"}
            }
           },
           "Sample": {
            "type": "object", "additionalProperties": false,
            "required": ["participant", "name", "room", "at", "rtt", "min", "max", "samples"],
            "properties": {
             "participant": {"$ref": "#/components/schemas/ID"}, "name": {"type": "string"}, "room": {"type": "string"},
             "at": {"$ref": "#/components/schemas/Moment"}, "rtt": {"$ref": "#/components/schemas/Milliseconds"},
             "min": {"$ref": "#/components/schemas/Milliseconds"}, "max": {"$ref": "#/components/schemas/Milliseconds"},
             "samples": {"$ref": "#/components/schemas/Count"}
            }
           },
           "Samples": {
            "type": "object", "additionalProperties": false, "required": ["samples"],
            "properties": {
             "samples": {"type": "array", "items": {"$ref": "#/components/schemas/Sample"}},
             "next": {"$ref": "#/components/schemas/Next"}
            }
           },
           "Event": {
            "type": "object", "additionalProperties": false, "required": ["id", "at", "atLatest", "kind", "severity", "text"],
            "properties": {
             "id": {"$ref": "#/components/schemas/ID"}, "at": {"$ref": "#/components/schemas/Moment"},
             "atLatest": {"type": "integer", "format": "int64", "description": "Later than `at` where only a range is known"},
             "kind": {"type": "string"}, "severity": {"type": "string", "enum": ["info", "warning", "error"]},
             "text": {"type": "string"}, "room": {"type": "string"}, "engine": {"type": "string"},
             "participant": {"type": "string"},
             "address": {"type": "string", "description": "Of the one it is about or who did it, with the token only"}
            }
           },
           "Events": {
            "type": "object", "additionalProperties": false, "required": ["events"],
            "properties": {
             "events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
             "next": {"$ref": "#/components/schemas/Next"}
            }
           },
           "Alerts": {
            "type": "object", "additionalProperties": false, "required": ["told", "waiting"],
            "properties": {
             "limits": {
              "type": "object", "additionalProperties": false, "required": ["rtt", "loss", "disk", "patience"],
              "description": "Absent where no alerts are configured; 0 is never",
              "properties": {
               "rtt": {"type": "number", "description": "Milliseconds"},
               "loss": {"type": "number", "description": "Percent"},
               "disk": {"type": "number", "description": "Percent used"},
               "patience": {"type": "number", "description": "Seconds that a figure must be over its limit"}
              }
             },
             "told": {"type": "array", "items": {"$ref": "#/components/schemas/Alert"}},
             "waiting": {"$ref": "#/components/schemas/Count"}
            }
           },
           "Alert": {
            "type": "object", "additionalProperties": false, "required": ["text", "hub", "alert", "state", "id", "at"],
            "properties": {
             "text": {"type": "string"}, "hub": {"type": "string"},
             "alert": {
              "type": "string", "enum": ["engine-down", "participant-lost", "round-trip", "loss", "disk", "test"]
             },
             "state": {"type": "string", "enum": ["firing", "resolved"]}, "id": {"type": "string"},
             "at": {"$ref": "#/components/schemas/Moment"}, "room": {"type": "string"},
             "participant": {"type": "string"}, "engine": {"type": "string"}, "value": {"type": "number"},
             "limit": {"type": "number"}
            }
           },
           "LegacyLatency": {
            "type": "object", "additionalProperties": false,
            "required": ["clientName", "clientPort", "timestamp", "averageLatency", "minLatency", "maxLatency", "lastLatency"],
            "properties": {
             "clientName": {"type": "string"}, "clientPort": {"type": "string"}, "timestamp": {"type": "string"},
             "averageLatency": {"type": "string"}, "minLatency": {"type": "string"}, "maxLatency": {"type": "string"},
             "lastLatency": {"type": "string"}
            }
           },
           "LegacyLatencies": {"type": "array", "items": {"$ref": "#/components/schemas/LegacyLatency"}},
           "PortNames": {
            "type": "object", "description": "A room's port to the names of those on it",
            "additionalProperties": {"type": "array", "items": {"type": "string"}}
           }
          }
         }
        """#
}
