import Foundation
import JSON
import Testing

@testable import Serving

@Suite("A server with more requests than it takes")
struct OverloadTests {
    private static let good = #"{"inputs":"good"}"#

    /// A request that takes a while.
    private static let long: String = {
        let text = String(repeating: "good film ", count: 60)
        return "{\"inputs\":[\((0..<32).map { _ in "[\"\(text)\"]" }.joined(separator: ","))]}"
    }()

    private func server(_ scratch: Scratch, _ more: String...) throws -> ServerProcess {
        try ServerProcess(
            scratch,
            ["--model", "tiny=\(tinyTeacher.path)", "--max-concurrent-requests", "1", "--auto-truncate"]
                + more)
    }

    /// Connections that have each sent a request that takes a while.
    private func busy(_ server: ServerProcess, _ count: Int, _ headers: [String] = []) throws -> [Connection]
    {
        let connections = try (0..<count).map { _ in try Connection(server.port) }
        for connection in connections {
            try connection.send(ServerProcess.request("POST", "/predict", Self.long, headers))
        }
        return connections
    }

    @Test("what is no question to a model has its usual answer while the server is full")
    func others() throws {
        let scratch = try Scratch()
        let key = scratch.url.appending(path: "key")
        try Data("secret".utf8).write(to: key)
        let server = try server(scratch, "--api-key-file", key.path, "--max-body-bytes", "100000")
        let authorized = ["Authorization: Bearer secret"]
        let connections = try busy(server, 32, authorized)
        #expect(try server.send("GET", "/health").status == 200)
        #expect(try server.send("GET", "/nothing").status == 404)
        #expect(try server.send("GET", "/predict", nil, authorized).status == 405)
        #expect(try server.send("POST", "/models/other/predict", Self.good, authorized).status == 404)
        for headers in [[], ["Authorization: Bearer wrong"], authorized + ["Authorization: Bearer wrong"]] {
            #expect(try server.send("POST", "/predict", Self.good, headers).status == 401)
        }
        let large = String(repeating: " ", count: 100_001)
        #expect(try server.send("POST", "/predict", large, authorized).status == 413)
        var statuses: [Int: Int] = [:]
        for connection in connections {
            let answer = try #require(try connection.answer())
            statuses[answer.status, default: 0] += 1
            guard answer.status == 429 else { continue }
            #expect(answer.error == "Overloaded" && answer.headers["retry-after"] == "1")
            #expect(answer.headers["content-type"] == "application/json")
            #expect(answer.headers["date"]?.hasSuffix(" GMT") == true)
        }
        #expect(Set(statuses.keys) == [200, 429], "\(statuses)")
        #expect(server.terminate() == 0)
    }

    @Test("a connection's answers keep the order of its requests, refused or not, and it stays open")
    func order() throws {
        let scratch = try Scratch()
        let server = try server(scratch, "--access-log")
        let connections = try busy(server, 16)
        let mine = try Connection(server.port)
        let paths = ["/predict", "/nothing", "/v1/embeddings", "/health", "/predict"]
        for _ in 0..<20 {
            var bytes: [UInt8] = []
            for path in paths {
                bytes += ServerProcess.request(
                    path == "/health" ? "GET" : "POST", path, path == "/health" ? nil : Self.good,
                    close: false)
            }
            try mine.send(bytes)
        }
        var refused = 0
        for index in 0..<20 * paths.count {
            let answer = try #require(try mine.answer())
            let object = answer.json?.objectValue
            switch paths[index % paths.count] {
            case "/nothing": #expect(answer.status == 404)
            case "/health": #expect(answer.status == 200 && answer.body.isEmpty)
            case "/v1/embeddings":
                // The form of OpenAI, of a body that is none as of a server that is full.
                #expect([422, 429].contains(answer.status))
                #expect(object?["code"] == .integer(answer.status) && object?["error"] == nil)
            default:
                #expect([200, 429].contains(answer.status))
                if answer.status == 429 {
                    refused += 1
                    #expect(object?["error_type"] == "Overloaded")
                } else {
                    #expect(answer.json?.arrayValue?.count == 2)
                }
            }
        }
        for connection in connections {
            refused += try #require(try connection.answer()).status == 429 ? 1 : 0
        }
        let told = server.logText.components(separatedBy: "status=429").count - 1
        let metrics = try server.send("GET", "/metrics").body
        let counted = metrics.split(separator: "\n").first { $0.contains("err=\"overloaded\"") }
        #expect(refused > 0 && told >= refused, "\(refused) \(told)")
        #expect(counted.map { $0.hasSuffix(" \(told)") } == true, "\(told) \(counted ?? "")")
        #expect(server.terminate() == 0)
    }

    @Test("a shutdown that leaves requests without their answers says so, and one that does not is silent")
    func cut() throws {
        let scratch = try Scratch()
        let server = try ServerProcess(
            scratch,
            ["--model", "tiny=\(tinyTeacher.path)", "--auto-truncate", "--shutdown-timeout", "0.05"])
        let connections = try busy(server, 64)
        // The first answer shows that the requests were taken.
        _ = try connections[0].first()
        _ = server.terminate()
        var lost = 0
        for connection in connections {
            let answer = try? connection.answer()
            lost += answer?.status == 200 ? 0 : 1
        }
        let isTold = server.logText.contains("requests are cut")
        #expect(isTold == (lost > 0), "\(lost) \(server.logText)")
    }
}
