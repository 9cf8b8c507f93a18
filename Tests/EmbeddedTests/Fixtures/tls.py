"""TLS before a hub, as a proxy has it: tls.py PORT HUB-PORT CERTIFICATE KEY. Bytes in, bytes out."""
import socket
import ssl
import sys
import threading

port, hub = int(sys.argv[1]), int(sys.argv[2])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[3], sys.argv[4])


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(raw):
    try:
        secure = context.wrap_socket(raw, server_side=True)
    except (ssl.SSLError, OSError):
        return
    back = socket.create_connection(("127.0.0.1", hub))
    threading.Thread(target=copy, args=(back, secure), daemon=True).start()
    copy(secure, back)


listener = socket.create_server(("127.0.0.1", port))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
