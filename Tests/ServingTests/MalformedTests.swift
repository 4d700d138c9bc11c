import Foundation
import JSON
import TestSupport
import Testing

@Suite("Malformed requests")
struct MalformedTests {
    /// Requests that are changed at random.
    private static let seeds: [[UInt8]] = [
        ServerProcess.request("POST", "/predict", #"{"inputs":"good","truncate":true}"#, close: false),
        ServerProcess.request("POST", "/predict", #"{"inputs":[["a","\u00e9"],["b"]],"raw_scores":true}"#),
        ServerProcess.request(
            "POST", "/models/e/embed", #"{"inputs":["a",[2,9,3]],"dimensions":8}"#, close: false),
        ServerProcess.request(
            "POST", "/models/e/v1/embeddings", #"{"input":[2,9],"encoding_format":"base64"}"#),
        ServerProcess.request(
            "POST", "/models/e/similarity", #"{"inputs":{"source_sentence":"a","sentences":["b"]}}"#),
        ServerProcess.request("POST", "/decode", #"{"ids":[[2,9],[3]],"skip_special_tokens":false}"#),
        ServerProcess.request("POST", "/tokenize", #"{"inputs":["a","\u00e9"],"add_special_tokens":true}"#),
        ServerProcess.request("GET", "/info", nil, ["Authorization: Bearer x", "Expect: 100-continue"]),
        Array(
            ("POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "5\r\n{\"inp\r\n9\r\nuts\":\"a\"}\r\n0\r\n\r\n").utf8),
    ]
    private static let pieces = [
        "\r\n", "\r\n\r\n", "\0", "Content-Length: 99999999999999999999\r\n", "Content-Length: -1\r\n",
        "Transfer-Encoding: chunked\r\n", "{", "[[[[[[", "\"", "\\ud800", "1e999", "GET ", "HTTP/9.9",
        "FFFFFFFF\r\n",
        "\u{FF}", "Connection: close\r\n", ":", " ",
    ].map { Array($0.utf8) }

    /// A request with a few of its bytes changed.
    private static func mutant(_ random: inout SeededGenerator) -> [UInt8] {
        var bytes = seeds.randomElement(using: &random) ?? []
        for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: place)
            case 3:
                bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...40, using: &random)))
            default:
                let end = min(bytes.count, place + Int.random(in: 1...40, using: &random))
                bytes.insert(contentsOf: bytes[place..<end], at: place)
            }
        }
        return bytes
    }

    @Test("a server that gets thousands of broken requests neither ends nor answers wrongly")
    func mutations() throws {
        let scratch = try Scratch()
        let server = try ServerProcess(
            scratch,
            [
                "--model", "tiny=\(tinyTeacher.path)", "--model", "e=\(try scratch.embedder())",
                "--body-timeout", "5", "--idle-timeout", "5",
            ])
        let expected = try server.send("POST", "/predict", #"{"inputs":"good"}"#).json
        var random = SeededGenerator(seed: 20_261_128)
        for number in 0..<3000 {
            let bytes = Self.mutant(&random)
            let connection = try Connection(server.port)
            try? connection.send(bytes)
            connection.endSending()
            let answer = try connection.all()
            // Whatever comes back is HTTP, no more than one error, and never the server's own fault.
            let text = String(decoding: answer, as: UTF8.self)
            #expect(answer.isEmpty || text.hasPrefix("HTTP/1.1 "), "\(number): \(bytes)")
            for status in ["500", "503"] {
                #expect(!text.contains("HTTP/1.1 \(status)"), "\(number): \(bytes)")
            }
            // A path may have lost the name of the model that has the answer.
            #expect(!text.contains("HTTP/1.1 424") || text.contains("model is not "), "\(number): \(bytes)")
        }
        #expect(server.process.isRunning)
        #expect(try server.send("POST", "/predict", #"{"inputs":"good"}"#).json == expected)
        #expect(server.terminate() == 0)
    }
}
