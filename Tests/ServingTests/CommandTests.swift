import DistillClient
import Files
import Foundation
import JSON
import Testing

@Suite("The command and the client")
struct CommandTests {
    private func run(_ program: String, _ arguments: [String]) throws -> (
        status: Int32, output: String, errors: String
    ) {
        let scratch = try Scratch()
        let (output, errors) = (scratch.url.appending(path: "out"), scratch.url.appending(path: "err"))
        let process = try ChildProcess(
            ServerProcess.products.appending(path: program), arguments,
            environment: ["PATH": "/usr/bin:/bin"],
            output: .file(output), errors: .file(errors))
        let ending = process.wait()
        process.finish()
        guard case .exit(let status) = ending else { return (-1, "", "\(ending)") }
        return (
            status, try String(contentsOf: output, encoding: .utf8),
            try String(contentsOf: errors, encoding: .utf8)
        )
    }

    @Test("distill serve is distill-serve, with its signals and its help")
    func command() throws {
        let scratch = try Scratch()
        let server = try ServerProcess(
            scratch, program: "distill", ["serve", "--model", "tiny=\(tinyTeacher.path)"])
        #expect(try server.send("GET", "/ready").status == 200)
        #expect(server.terminate() == 0)
        let help = try run("distill", ["serve", "--help"])
        #expect(help.status == 0)
        #expect(help.output.contains("--max-batch-tokens"), "\(help)")
    }

    @Test("arguments that do not fit end with 64, models that cannot be opened with 1, in a line")
    func errors() throws {
        for arguments in [
            [], ["--model", "a", "--port", "70000"],
            ["--model", "a", "--api-key", "a", "--api-key-file", "b"],
            ["--model", "a", "--tls-cert", "c"], ["--model", "a", "--request-timeout", "0"], ["--nothing"],
        ] {
            #expect(try run("distill-serve", arguments).status == 64, "\(arguments)")
        }
        let missing = try run("distill-serve", ["--model", "a=/nowhere"])
        #expect(missing.status == 1)
        #expect(missing.errors.contains("/nowhere"))
        #expect(missing.errors.split(separator: "\n").count == 1, "\(missing.errors)")
    }

    @Test("the scores of distill-run, to the last digit")
    func sameAsTheProgram() throws {
        let scratch = try Scratch()
        let texts = ["A film to remember.", "terrible", "It is a long, long story.", "fine"]
        let file = scratch.url.appending(path: "texts.txt")
        try Data(texts.map { $0 + "\n" }.joined().utf8).write(to: file)
        let lines = try run("distill-run", [tinyTeacher.path, file.path]).output.split(separator: "\n")
        let server = try ServerProcess(scratch, ["--model", "tiny=\(tinyTeacher.path)"])
        #expect(lines.count == texts.count)
        for (line, text) in zip(lines, texts) {
            let body = JSONValue.object(["inputs": .string(text)]).serialized()
            let answer = try #require(server.send("POST", "/predict", body).json?.arrayValue)
            let scores = try JSONValue.parse(String(line)).objectValue?["scores"]?.objectValue
            #expect(answer.count == scores?.count)
            for element in answer {
                let label = try #require(element.objectValue?["label"]?.stringValue)
                #expect(element.objectValue?["score"] == scores?[label])
            }
        }
    }

    @Test("the client's answers, its errors, and its patience with a busy server")
    func client() async throws {
        let scratch = try Scratch()
        let server = try ServerProcess(
            scratch,
            [
                "--model", "tiny=\(tinyTeacher.path)", "--model", "tagger=\(try scratch.tagger())",
                "--api-key", "k",
                "--max-concurrent-requests", "2",
            ])
        var configuration = DistillClient.Configuration()
        configuration.apiKey = "k"
        configuration.retries = 100
        let client = DistillClient("http://127.0.0.1:\(server.port)/", configuration)
        #expect(try await client.isReady())
        let scores = try await client.predict("good")
        #expect(scores.map(\.label).sorted() == ["negative", "positive"])
        #expect(abs(scores.reduce(0) { $0 + $1.score } - 1) < 1e-9)
        #expect(try await client.predict(["bad", "good"])[1] == scores)
        // More than a request holds, in order.
        let many = try await client.predict((0..<70).map { $0 % 2 == 0 ? "good" : "bad" })
        #expect(
            many.count == 70
                && many.indices.filter { many[$0] == scores } == Array(stride(from: 0, to: 70, by: 2)))
        let entities = try await client.entities(["A film to remember."], .init(model: "tagger"))[0]
        for entity in entities { #expect(entity.range.upperBound <= 19 && !entity.group.isEmpty) }
        await #expect(throws: DistillClientError.self) { try await client.predict("") }
        let stranger = DistillClient("http://127.0.0.1:\(server.port)")
        let error = await #expect(throws: DistillClientError.self) { try await stranger.predict("good") }
        if case .server(let status, _, _) = error {
            #expect(status == 401)
        } else {
            Issue.record("\(String(describing: error))")
        }
        try await withThrowingTaskGroup(of: [DistillClient.Score].self) { group in
            for _ in 0..<12 { group.addTask { try await client.predict("good") } }
            for try await answer in group { #expect(answer == scores) }
        }
    }
}
