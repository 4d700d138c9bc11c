import Files
import Foundation
import Testing

/// Key and certificate that are read again while the server runs.
@Suite("Key and certificate")
struct SecretTests {
    private static let good = #"{"inputs":"good"}"#

    @Test("a SIGHUP takes the key that is in its file now; a file that holds none changes nothing")
    func key() throws {
        let scratch = try Scratch()
        let file = scratch.url.appending(path: "key")
        try Data("first".utf8).write(to: file)
        let server = try ServerProcess(
            scratch, ["--model", "tiny=\(tinyTeacher.path)", "--api-key-file", file.path])
        func status(_ key: String) throws -> Int {
            try server.send("POST", "/predict", Self.good, ["Authorization: Bearer \(key)"]).status
        }
        #expect(try status("first") == 200 && status("second") == 401)
        try Data("second\n".utf8).write(to: file)
        #expect(try status("second") == 401)
        server.signal(SIGHUP)
        try server.waitForLog("info: reloaded")
        #expect(try status("second") == 200 && status("first") == 401)
        try Data(" ".utf8).write(to: file)
        server.signal(SIGHUP)
        try server.waitForLog("not reloaded")
        #expect(server.logText.contains("API key"))
        #expect(try status("second") == 200)
        #expect(!server.logText.contains("second"))
        #expect(server.terminate() == 0)
    }

    @Test(
        "a SIGHUP takes the certificate that is in its file now; one of another key changes nothing",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/curl"), "install curl"))
    func certificates() throws {
        let scratch = try Scratch()
        let files = FileManager.default
        let (chain, key) = (scratch.url.appending(path: "chain.pem"), scratch.url.appending(path: "key.pem"))
        func put(_ source: String, _ target: URL) throws {
            try Data(contentsOf: URL(filePath: source)).write(to: target, options: .atomic)
        }
        try put(certificate, chain)
        try put(privateKey, key)
        let server = try ServerProcess(
            scratch,
            ["--model", "tiny=\(tinyTeacher.path)", "--tls-cert", chain.path, "--tls-key", key.path])
        /// The status of an answer to a client that trusts a certificate alone; 0 where there is none.
        func status(_ trusted: String) throws -> String {
            let process = try ChildProcess(
                URL(filePath: "/usr/bin/curl"),
                [
                    "-s", "-m", "60", "--cacert", trusted, "https://localhost:\(server.port)/health", "-o",
                    "/dev/null", "-w", "%{http_code}\\n",
                ], environment: [:], output: .pipe)
            defer { process.finish() }
            return process.readLine() ?? ""
        }
        #expect(try status(certificate) == "200" && status(secondCertificate) == "000")
        try put(secondCertificate, chain)
        server.signal(SIGHUP)
        try server.waitForLog("not reloaded")
        #expect(server.logText.contains("name the two that belong together"))
        #expect(try status(certificate) == "200")
        try put(secondPrivateKey, key)
        server.signal(SIGHUP)
        try server.waitForLog("info: reloaded")
        #expect(try status(secondCertificate) == "200" && status(certificate) == "000")
        #expect(files.fileExists(atPath: chain.path) && server.terminate() == 0)
    }
}
