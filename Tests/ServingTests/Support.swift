import Files
import Foundation
import JSON
import Testing

@testable import Serving

let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

/// A small classifier with its tokenizer, of two labels.
let tinyTeacher = tests.appending(path: "InteropTests/Fixtures/tiny-teacher")
let certificate = tests.appending(path: "ServingTests/Fixtures/certificate.pem").path
let privateKey = tests.appending(path: "ServingTests/Fixtures/key.pem").path
let secondCertificate = tests.appending(path: "ServingTests/Fixtures/second-certificate.pem").path
let secondPrivateKey = tests.appending(path: "ServingTests/Fixtures/second-key.pem").path

/// A directory that is removed with this object.
final class Scratch: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "distill-serving-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// A copy of the tiny model, with fields of its `config.json` changed.
    func model(_ name: String, _ fields: JSONObject = [:]) throws -> String {
        let folder = url.appending(path: name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for file in try FileManager.default.contentsOfDirectory(atPath: tinyTeacher.path) {
            let destination = folder.appending(path: file)
            try? FileManager.default.removeItem(at: destination)
            try FileManager.default.copyItem(at: tinyTeacher.appending(path: file), to: destination)
        }
        let configuration = folder.appending(path: "config.json")
        guard case .object(var object) = try JSONValue.load(contentsOf: configuration) else { return "" }
        for (key, value) in fields { object[key] = value }
        try Data(JSONValue.object(object).serialized().utf8).write(to: configuration)
        return folder.path
    }

    /// The tiny model as one that tags tokens.
    func tagger() throws -> String {
        try model(
            "tagger",
            [
                "architectures": ["BertForTokenClassification"], "id2label": ["0": "O", "1": "B-WORD"],
                "label2id": ["O": 0, "B-WORD": 1],
            ])
    }
}

extension PredictService {
    /// A service of one model.
    convenience init(_ path: String = tinyTeacher.path, _ change: (inout ServingLimits) -> Void = { _ in })
        throws
    {
        var limits = ServingLimits()
        change(&limits)
        try self.init([ModelReference("tiny=\(path)")], ModelOptions(), limits)
    }

    /// The answer to a body.
    func answer(_ body: JSONValue, model: String? = nil) async throws(ServingError) -> JSONValue {
        try await ask(.predict, body, model: model)
    }

    /// The answer to a body, of any endpoint.
    func ask(_ endpoint: Endpoint, _ body: JSONValue, model: String? = nil) async throws(ServingError)
        -> JSONValue
    {
        let text = try await answer(endpoint, Array(body.serialized().utf8), model: model).body
        guard let value = try? JSONValue.parse(text) else { throw ServingError(.backend, "no JSON: \(text)") }
        return value
    }
}

/// The program under test, a process on a port of its own.
final class ServerProcess {
    static let products = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()

    let process = Process()
    private let log: URL
    let port: Int

    /// Starts a server and waits until it listens.
    ///
    /// - Parameter openFiles: The files that it may have open; `nil` for as many as the system lets it.
    init(
        _ scratch: Scratch, program: String = "distill-serve", openFiles: Int? = nil, _ arguments: [String]
    ) throws {
        log = scratch.url.appending(path: "log-\(UUID().uuidString)")
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        let path = Self.products.appending(path: program)
        process.executableURL = openFiles == nil ? path : URL(filePath: "/bin/sh")
        process.arguments =
            (openFiles.map { ["-c", "ulimit -n \($0); exec \"$0\" \"$@\"", path.path] } ?? []) + arguments
            + ["--port", "0"]
        process.environment = ["PATH": "/usr/bin:/bin"]
        process.standardError = try FileHandle(forWritingTo: log)
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        var found: Int?
        let end = ContinuousClock.now + .seconds(120)
        while found == nil, process.isRunning, ContinuousClock.now < end {
            usleep(5000)
            let text = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
            if let line = text.split(separator: "\n").first(where: {
                $0.contains("listening") && $0.contains("port=")
            }),
                let place = line.range(of: "port=")
            {
                found = Int(line[place.upperBound...].prefix { $0.isNumber })
            }
        }
        port = try #require(found, "\((try? String(contentsOf: log, encoding: .utf8)) ?? "")")
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    var logText: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

    /// Waits until the log holds a text.
    func waitForLog(_ text: String) throws {
        let end = ContinuousClock.now + .seconds(120)
        while !logText.contains(text), ContinuousClock.now < end { usleep(5000) }
        try #require(logText.contains(text), "\(logText)")
    }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Ends the server as systemd does, and gives its exit status.
    func terminate() -> Int32 {
        signal(SIGTERM)
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// The bytes of a request.
    static func request(
        _ method: String, _ path: String, _ body: String? = nil, _ headers: [String] = [], close: Bool = true
    ) -> [UInt8] {
        var text = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
        for header in headers + (close ? ["Connection: close"] : []) { text += header + "\r\n" }
        if let body {
            text += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        } else {
            text += "\r\n"
        }
        return Array(text.utf8)
    }

    /// Sends a request on a connection of its own.
    func send(_ method: String, _ path: String, _ body: String? = nil, _ headers: [String] = []) throws
        -> Answer
    {
        let connection = try Connection(port)
        try connection.send(Self.request(method, path, body, headers))
        return try #require(try connection.answer(isHead: method == "HEAD"))
    }
}

/// What a server answered.
struct Answer: Sendable {
    var status: Int
    var headers: [String: String]
    var body: String

    var json: JSONValue? { try? JSONValue.parse(body) }
    var error: String? { json?.objectValue?["error_type"]?.stringValue }
}

/// A TCP connection whose bytes are the test's.
final class Connection {
    private let descriptor: Int32
    private var rest: [UInt8] = []
    private var hasEnded = false

    struct Failure: Error { let what: String }

    init(_ port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var patience = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Failure(what: "connect: \(errno)") }
    }

    deinit { close(descriptor) }

    func send(_ bytes: some Collection<UInt8>) throws {
        var left = Array(bytes)[...]
        while !left.isEmpty {
            let count = left.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(what: "send: \(errno)") }
            left = left.dropFirst(count)
        }
    }

    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Reads more; false at the end.
    private func fill() throws -> Bool {
        if hasEnded { return false }
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0, errno == EAGAIN { throw Failure(what: "nothing comes") }
        if count <= 0 {
            hasEnded = true
            return false
        }
        rest += buffer[..<count]
        return true
    }

    /// The first bytes that come, while the other side still waits for more.
    func first() throws -> [UInt8] {
        while rest.isEmpty, try fill() {}
        return rest
    }

    /// All that comes until the server closes.
    func all() throws -> [UInt8] {
        while try fill() {}
        return rest
    }

    /// The next answer; `nil` where the server closes before one.
    func answer(isHead: Bool = false) throws -> Answer? {
        let end = Array("\r\n\r\n".utf8)
        while rest.firstRange(of: end) == nil { guard try fill() else { return nil } }
        guard let range = rest.firstRange(of: end) else { return nil }
        let lines = String(decoding: rest[..<range.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        rest = Array(rest[range.upperBound...])
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] =
                parts.count == 2 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        }
        let words = lines[0].split(separator: " ")
        guard words.count >= 2, let status = Int(words[1]) else { throw Failure(what: lines[0]) }
        if status == 100 { return try answer(isHead: isHead) }
        let length = isHead ? 0 : Int(headers["content-length"] ?? "") ?? 0
        while rest.count < length { guard try fill() else { throw Failure(what: "a body that is cut") } }
        defer { rest = Array(rest[length...]) }
        return Answer(
            status: status, headers: headers, body: String(decoding: rest[..<length], as: UTF8.self))
    }
}
