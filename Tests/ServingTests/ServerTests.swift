import Files
import Foundation
import JSON
import Synchronization
import Testing

@testable import Serving

/// A number that threads share.
private final class Counter: Sendable {
    let value = Atomic<Int>(0)
}

@Suite("The server")
struct ServerTests {
    private static let good = #"{"inputs":"good"}"#

    private func server(_ scratch: Scratch, _ more: String...) throws -> ServerProcess {
        try ServerProcess(scratch, ["--model", "tiny=\(tinyTeacher.path)"] + more)
    }

    @Test("the answers of text-embeddings-inference's routes")
    func routes() async throws {
        let scratch = try Scratch()
        let server = try server(scratch)
        let answer = try server.send("POST", "/predict", Self.good)
        #expect(answer.status == 200)
        #expect(answer.headers["content-type"] == "application/json")
        #expect(answer.headers["x-compute-type"] == "cpu")
        let service = try PredictService()
        #expect(try await answer.json == service.answer(["inputs": "good"]))
        #expect(try server.send("POST", "/models/tiny/predict", Self.good).json == answer.json)
        for path in ["/health", "/ready"] {
            let health = try server.send("GET", path)
            #expect(health.status == 200 && health.body.isEmpty)
        }
        #expect(try server.send("GET", "/info").json == service.info(service.models.current.first))
        #expect(try server.send("GET", "/models").json?.arrayValue?.count == 1)
        let metrics = try server.send("GET", "/metrics")
        #expect(metrics.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
        #expect(metrics.body.contains("te_request_count{method=\"single\"} 2\n"))
        #expect(try server.send("GET", "/openapi.json").json?.objectValue?["openapi"] == "3.1.0")
        for (path, type) in [("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")] {
            let page = try server.send("GET", path)
            #expect(page.status == 200 && page.headers["content-type"]?.hasPrefix(type) == true)
            #expect(page.headers["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
        }
        #expect(server.terminate() == 0)
    }

    @Test("what is no request of these routes has the error's form")
    func refusals() throws {
        let scratch = try Scratch()
        let server = try server(scratch, "--max-body-bytes", "1000")
        func expect(_ status: Int, _ answer: Answer, _ type: String = "Validation") {
            #expect(answer.status == status, "\(answer)")
            #expect(answer.error == type, "\(answer)")
        }
        expect(404, try server.send("GET", "/nothing"))
        expect(404, try server.send("POST", "/models/other/predict", Self.good))
        let wrong = try server.send("GET", "/predict")
        expect(405, wrong)
        #expect(wrong.headers["allow"] == "POST")
        expect(422, try server.send("POST", "/predict", #"{"inputs":"#))
        expect(400, try server.send("POST", "/predict", #"{"inputs":""}"#), "Empty")
        let long = String(repeating: "a", count: 2000)
        expect(413, try server.send("POST", "/predict", #"{"inputs":"\#(long)"}"#))
        let plain = try Connection(server.port)
        try plain.send(
            Array(
                "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}"
                    .utf8))
        expect(415, try #require(try plain.answer()))
        let head = try server.send("HEAD", "/info")
        #expect(head.status == 200 && Int(head.headers["content-length"] ?? "") ?? 0 > 100)
        // A chunked body has no length; it ends where it is too large, however much would come.
        let chunked = try Connection(server.port)
        try chunked.send(
            Array(
                "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                    .utf8))
        for _ in 0..<3 { try? chunked.send(Array("200\r\n\(String(repeating: "a", count: 512))\r\n".utf8)) }
        let answer = try #require(try chunked.answer())
        expect(413, answer)
        #expect(answer.headers["connection"] == "close")
        #expect(try chunked.answer() == nil)
        expect(422, try server.send("POST", "/predict", "{}"))
    }

    @Test("several requests on a connection, sent without waiting; Expect; HTTP/1.0")
    func connections() throws {
        let scratch = try Scratch()
        let server = try server(scratch)
        let pipelined = try Connection(server.port)
        var bytes: [UInt8] = []
        for text in ["good", "bad", "fine"] {
            bytes += ServerProcess.request(
                "POST", "/predict", #"{"inputs":"\#(text)"}"#, close: text == "fine")
        }
        try pipelined.send(bytes)
        for text in ["good", "bad", "fine"] {
            let alone = try server.send("POST", "/predict", #"{"inputs":"\#(text)"}"#)
            #expect(try pipelined.answer()?.json == alone.json)
        }
        #expect(try pipelined.answer() == nil)

        let expecting = try Connection(server.port)
        let request = ServerProcess.request("POST", "/predict", Self.good, ["Expect: 100-continue"])
        let end = try #require(request.firstRange(of: Array("\r\n\r\n".utf8))).upperBound
        try expecting.send(request[..<end])
        try expecting.send(request[end...])
        #expect(
            try expecting.all().starts(with: Array("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n".utf8)))

        let old = try Connection(server.port)
        try old.send(Array("GET /health HTTP/1.0\r\n\r\n".utf8))
        #expect(String(decoding: try old.all(), as: UTF8.self).hasPrefix("HTTP/1.1 200 OK\r\n"))

        let half = try Connection(server.port)
        try half.send(ServerProcess.request("POST", "/predict", Self.good, close: false))
        half.endSending()
        #expect(try half.answer()?.status == 200)
        #expect(try half.answer() == nil)
    }

    @Test("slow clients are dropped: a head or a body that does not come in time")
    func slowClients() throws {
        let scratch = try Scratch()
        let server = try server(scratch, "--idle-timeout", "0.5", "--body-timeout", "0.5")
        let head = try Connection(server.port)
        try head.send(Array("POST /predict HTTP/1.1\r\nHost:".utf8))
        #expect(try head.all().isEmpty)
        let body = try Connection(server.port)
        try body.send(ServerProcess.request("POST", "/predict", Self.good).dropLast(3))
        let answer = try #require(try body.answer())
        #expect(answer.status == 408 && answer.headers["connection"] == "close")
        #expect(try body.answer() == nil)
        let idle = try Connection(server.port)
        try idle.send(ServerProcess.request("GET", "/health", close: false))
        #expect(try idle.answer()?.status == 200)
        #expect(try idle.answer() == nil)
        #expect(try server.send("POST", "/predict", Self.good).status == 200)
    }

    @Test("with an API key, only what says nothing of models is answered without it")
    func apiKey() throws {
        let scratch = try Scratch()
        let file = scratch.url.appending(path: "key")
        try Data("\u{FEFF}secret\n".utf8).write(to: file)
        let server = try server(scratch, "--api-key-file", file.path)
        for path in ["/health", "/ready", "/metrics", "/openapi.json", "/"] {
            #expect(try server.send("GET", path).status == 200)
        }
        for headers in [[], ["Authorization: Bearer wrong"]] {
            let answer = try server.send("POST", "/predict", Self.good, headers)
            #expect(answer.status == 401 && answer.headers["www-authenticate"] == "Bearer")
            #expect(try server.send("GET", "/info", nil, headers).status == 401)
        }
        #expect(
            try server.send("POST", "/predict", Self.good, ["Authorization: Bearer secret"]).status == 200)
        #expect(!server.logText.contains("secret"))
    }

    @Test("above the limit of requests the rest are refused; all others have their answers")
    func overload() throws {
        let scratch = try Scratch()
        let server = try server(scratch, "--max-concurrent-requests", "1", "--auto-truncate")
        let text = String(repeating: "good film ", count: 60)
        let texts = (0..<32).map { _ in "[\"\(text)\"]" }.joined(separator: ",")
        let body = "{\"inputs\":[\(texts)]}"
        let connections = try (0..<64).map { _ in try Connection(server.port) }
        for connection in connections { try connection.send(ServerProcess.request("POST", "/predict", body)) }
        var counts: [Int: Int] = [:]
        for connection in connections {
            let answer = try #require(try connection.answer())
            counts[answer.status, default: 0] += 1
            if answer.status == 200 {
                #expect(answer.json?.arrayValue?.count == 32)
            } else {
                #expect(answer.error == "Overloaded" && answer.headers["retry-after"] != nil)
            }
        }
        #expect(counts[200, default: 0] > 0 && counts[429, default: 0] > 0, "\(counts)")
        #expect(counts.values.reduce(0, +) == 64 && counts.count == 2, "\(counts)")
        #expect(try server.send("POST", "/predict", Self.good).status == 200)
    }

    @Test("a SIGHUP serves what is there now, and drops no request; one that fails changes nothing")
    func reload() throws {
        let scratch = try Scratch()
        let path = try scratch.model("m")
        let server = try ServerProcess(scratch, ["--model", "m=\(path)", "--log-format", "text"])
        let connection = try Connection(server.port)
        func label() throws -> String {
            try connection.send(ServerProcess.request("POST", "/predict", Self.good, close: false))
            let answer = try #require(try connection.answer())
            #expect(answer.status == 200, "\(answer)")
            return answer.json?.arrayValue?[0].objectValue?["label"]?.stringValue ?? ""
        }
        let before = try label()
        _ = try scratch.model("m", ["id2label": ["0": "no", "1": "yes"], "label2id": ["no": 0, "yes": 1]])
        var after = before
        while after == before {
            server.signal(SIGHUP)
            for _ in 0..<20 where after == before { after = try label() }
        }
        #expect(["no", "yes"].contains(after))
        try FileManager.default.removeItem(atPath: path + "/config.json")
        server.signal(SIGHUP)
        while !server.logText.contains("not reloaded") { #expect(try label() == after) }
        #expect(server.logText.contains("config.json"))
        #expect(try server.send("GET", "/metrics").body.contains("distill_reload_count{result=\"failed\"}"))
        #expect(server.terminate() == 0)
    }

    @Test("a server that ends answers all that it accepted")
    func gracefulShutdown() async throws {
        let scratch = try Scratch()
        // Clients of a busy machine may take long to send the next request.
        let server = try server(scratch, "--drain-timeout", "60")
        let port = server.port
        let expected = try server.send("POST", "/predict", Self.good).json
        let busy = Counter()
        // Clients that send one request after another, and take a `Connection: close` as the end.
        let counts = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    try await withCheckedThrowingContinuation { continuation in
                        Thread.detachNewThread {
                            continuation.resume(
                                with: Result {
                                    try Self.load(port, expected) {
                                        busy.value.add(1, ordering: .relaxed)
                                    }
                                })
                        }
                    }
                }
            }
            // Each has been answered once, so that its connection is one that the server took.
            while busy.value.load(ordering: .relaxed) < 16 { try await Task.sleep(for: .milliseconds(5)) }
            server.signal(SIGTERM)
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        server.process.waitUntilExit()
        #expect(server.process.terminationStatus == 0)
        #expect(counts.allSatisfy { $0 > 0 }, "\(counts)")
        #expect(server.logText.contains("shutting down"))
    }

    /// Sends requests until the server says that it closes; each that is sent must be answered.
    private static func load(_ port: Int, _ expected: JSONValue?, onFirst: () -> Void) throws -> Int {
        let connection = try Connection(port)
        var count = 0
        while true {
            try connection.send(ServerProcess.request("POST", "/predict", good, close: false))
            guard let answer = try connection.answer(), answer.status == 200, answer.json == expected else {
                throw Connection.Failure(what: "request \(count) is not answered")
            }
            count += 1
            if count == 1 { onFirst() }
            if answer.headers["connection"] == "close" { return count }
        }
    }

    @Test("TLS, and a message for each request")
    func transportSecurity() throws {
        let scratch = try Scratch()
        let server = try server(
            scratch, "--tls-cert", certificate, "--tls-key", privateKey, "--access-log")
        let curl = URL(filePath: "/usr/bin/curl")
        if FileManager.default.isExecutableFile(atPath: curl.path) {
            let process = try ChildProcess(
                curl,
                [
                    "-s", "-m", "60", "--cacert", certificate, "https://localhost:\(server.port)/predict",
                    "-H",
                    "Content-Type: application/json", "-d", Self.good, "-w", "\\n",
                ], environment: [:], output: .pipe)
            let line = process.readLine()
            process.finish()
            #expect(line.flatMap { try? JSONValue.parse($0) }?.arrayValue?.count == 2)
            #expect(server.logText.contains("path=/predict"))
        }
        let plain = try Connection(server.port)
        try plain.send(ServerProcess.request("GET", "/health"))
        #expect(!String(decoding: try plain.all(), as: UTF8.self).contains("200 OK"))
        #expect(server.terminate() == 0)
    }
}
