import Files
import Foundation
import JSON
import Testing

@testable import Serving

@Suite("The server and its network")
struct NetworkTests {
    private static let good = #"{"inputs":"good"}"#

    /// What the program says that ends at once.
    private func refusal(_ arguments: [String], environment: [String: String] = [:]) throws -> String {
        let scratch = try Scratch()
        let errors = scratch.url.appending(path: "err")
        let process = try ChildProcess(
            ServerProcess.products.appending(path: "distill-serve"),
            ["--model", "tiny=\(tinyTeacher.path)", "--port", "0"] + arguments,
            environment: ["PATH": "/usr/bin:/bin"].merging(environment) { $1 },
            output: .file(scratch.url.appending(path: "out")),
            errors: .file(errors))
        let ending = process.wait()
        process.finish()
        let text = try String(contentsOf: errors, encoding: .utf8)
        guard case .exit(let status) = ending, status == 1 || status == 64 else {
            return "\(ending): \(text)"
        }
        #expect(status == 64 || text.split(separator: "\n").count == 1, "\(text)")
        return text
    }

    @Test("an address that it cannot listen on is named, with what to do")
    func addresses() throws {
        let scratch = try Scratch()
        let server = try ServerProcess(scratch, ["--model", "tiny=\(tinyTeacher.path)"])
        let used = try refusal(["--port", "\(server.port)"])
        #expect(
            used.contains(
                "port \(server.port) of 127.0.0.1 is in use by another program; give another --port"))
        #expect(server.terminate() == 0)
        #expect(try refusal(["--host", "127.0.0.1:80"]).contains("no host is called '127.0.0.1:80'"))
    }

    @Test("files of the certificate, its key and the API's key are named where they are wrong")
    func files() throws {
        let scratch = try Scratch()
        let wrong = scratch.url.appending(path: "wrong")
        try Data("s\u{E9}cret\n".utf8).write(to: wrong)
        for (arguments, part) in [
            (["--tls-cert", "/nowhere", "--tls-key", privateKey], "/nowhere: no such file"),
            (["--tls-cert", certificate, "--tls-key", "/nowhere"], "/nowhere: no such file"),
            (
                ["--tls-cert", privateKey, "--tls-key", privateKey],
                "--tls-cert \(privateKey): holds no certificate"
            ),
            (
                ["--tls-cert", certificate, "--tls-key", certificate],
                "--tls-key \(certificate): holds no private key"
            ),
            (["--api-key-file", wrong.path], "--api-key-file \(wrong.path): the API key must be"),
            (
                ["--tokenization-workers", "100000000"],
                "--tokenization-workers must be a number from 1 to 4096"
            ),
            (["--threads", "4097"], "--threads must be a number from 1 to 4096, got 4097"),
            (["--aggregation", "max"], "--aggregation is for models of token classification"),
            (["--model", "a="], "'a=': names no directory"),
        ] {
            let found = try refusal(arguments)
            #expect(found.contains(part), "\(found)")
        }
        #expect(
            try refusal([], environment: ["API_KEY": ""]).contains(
                "the environment's API_KEY: the API key must be"))
    }

    @Test(
        "an answer to HEAD has no body, whatever its status: the next answer is where a client looks for it")
    func heads() throws {
        let scratch = try Scratch()
        let server = try ServerProcess(
            scratch, ["--model", "tiny=\(tinyTeacher.path)", "--api-key", "secret"])
        for (path, status) in [("/predict", 405), ("/nothing", 404), ("/info", 401), ("/metrics", 200)] {
            let connection = try Connection(server.port)
            try connection.send(
                ServerProcess.request("HEAD", path, close: false) + ServerProcess.request("GET", "/health"))
            let head = try #require(try connection.answer(isHead: true))
            #expect(head.status == status && Int(head.headers["content-length"] ?? "") ?? 0 > 0)
            #expect(try connection.answer()?.status == 200, "\(path)")
        }
        #expect(server.terminate() == 0)
    }

    @Test("a body in a coding that is not read is not taken for plain JSON")
    func codings() throws {
        let scratch = try Scratch()
        let server = try ServerProcess(scratch, ["--model", "tiny=\(tinyTeacher.path)"])
        for (header, status) in [
            ("Content-Encoding: gzip", 415), ("Content-Encoding: br", 415),
            ("Content-Encoding: identity", 200),
        ] {
            let answer = try server.send("POST", "/predict", Self.good, [header])
            #expect(answer.status == status, "\(answer)")
        }
        let chunked = try Connection(server.port)
        let size = String(Self.good.utf8.count, radix: 16)
        try chunked.send(
            Array(
                ("POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n"
                    + "Transfer-Encoding: gzip, chunked\r\n\r\n\(size)\r\n\(Self.good)\r\n0\r\n\r\n").utf8))
        #expect(try chunked.answer()?.status == 501)
        #expect(server.terminate() == 0)
    }

    @Test("TLS is 1.2 or newer")
    func versions() throws {
        let scratch = try Scratch()
        let server = try ServerProcess(
            scratch,
            ["--model", "tiny=\(tinyTeacher.path)", "--tls-cert", certificate, "--tls-key", privateKey])
        /// The first bytes of the answer to a client that speaks a version of TLS and none newer (RFC 5246, 7.4.1.2).
        func answer(_ version: UInt8) throws -> [UInt8] {
            var hello: [UInt8] = [3, version] + [UInt8](repeating: 7, count: 32) + [0]
            // Suites with ECDHE and RSA or ECDSA; of these 1.2 has others too.
            let suites: [UInt8] = [
                0xC0, 0x2F, 0xC0, 0x2B, 0xC0, 0x13, 0xC0, 0x14, 0xC0, 0x09, 0xC0, 0x0A, 0x00, 0x2F,
            ]
            hello += [0, UInt8(suites.count)] + suites + [1, 0]
            let groups: [UInt8] = [0, 10, 0, 6, 0, 4, 0, 23, 0, 29]
            let points: [UInt8] = [0, 11, 0, 2, 1, 0]
            let signatures: [UInt8] = version < 3 ? [] : [0, 13, 0, 8, 0, 6, 4, 1, 4, 3, 8, 4]
            let extensions = groups + points + signatures
            hello += [0, UInt8(extensions.count)] + extensions
            let handshake = [1, 0, 0, UInt8(hello.count)] + hello
            let connection = try Connection(server.port)
            try connection.send([22, 3, 1, 0, UInt8(handshake.count)] + handshake)
            return Array(try connection.first().prefix(7))
        }
        // An alert (21), fatal, that says protocol_version (70).
        for old: UInt8 in [1, 2] {
            let bytes = try answer(old)
            #expect(bytes.first == 21 && bytes.suffix(2) == [2, 70], "\(bytes)")
        }
        // A handshake (22) goes on.
        #expect(try answer(3).first == 22)
        #expect(server.terminate() == 0)
    }

    @Test("a server with few descriptors takes as many connections as leave it some, and still opens models")
    func descriptors() throws {
        let scratch = try Scratch()
        let server = try ServerProcess(
            scratch, openFiles: 48, ["--model", "tiny=\(tinyTeacher.path)", "--idle-timeout", "3"])
        #expect(
            server.logText.contains("lets this process have 48 files open, so that 16 connections are taken"))
        let idle = try (0..<60).map { _ in try Connection(server.port) }
        // Those that wait are taken as others end.
        #expect(try server.send("POST", "/predict", Self.good).status == 200)
        server.signal(SIGHUP)
        let end = ContinuousClock.now + .seconds(60)
        while !server.logText.contains("reloaded"), ContinuousClock.now < end { usleep(10000) }
        #expect(server.logText.contains("info: reloaded"), "\(server.logText)")
        #expect(idle.count == 60)
        #expect(server.terminate() == 0)
    }

    @Test("a length that the model has no positions for is told")
    func lengths() throws {
        let scratch = try Scratch()
        let server = try ServerProcess(
            scratch, ["--model", "tiny=\(tinyTeacher.path)", "--max-length", "100000"])
        #expect(server.logText.contains("not --max-length 100000"))
        #expect(server.terminate() == 0)
    }
}
