import DistillClient
import Foundation
import JSON
import Testing

/// The server process with an embedding model, a re-ranker and a classifier.
@Suite("The server of embeddings")
struct EmbeddingServerTests {
    private func server(_ scratch: Scratch, _ more: String...) throws -> ServerProcess {
        try ServerProcess(
            scratch,
            [
                "--model", "embedder=\(try scratch.embedder())", "--model", "ranker=\(scratch.reranker())",
                "--model", "tiny=\(tinyTeacher.path)",
            ] + more)
    }

    @Test("its routes, the errors of each form, and the models by name")
    func routes() throws {
        let scratch = try Scratch()
        let server = try server(scratch)
        let inputs = JSONValue.array(Golden.texts.map { .string($0) }).serialized()
        let embedded = try server.send("POST", "/embed", #"{"inputs":\#(inputs)}"#)
        #expect(embedded.status == 200 && embedded.headers["x-compute-tokens"] != nil)
        Golden.expect(Golden.rows(embedded.json), Golden.rows(Golden.all["normalized"]))
        #expect(
            try server.send("POST", "/models/embedder/embed", #"{"inputs":\#(inputs)}"#).json == embedded.json
        )
        for path in ["/v1/embeddings", "/embeddings", "/models/embedder/v1/embeddings"] {
            let answer = try server.send("POST", path, #"{"input":"good","model":"embedder"}"#)
            #expect(answer.status == 200 && answer.json?.objectValue?["object"] == "list", "\(answer)")
        }
        let ranks = try server.send(
            "POST", "/models/ranker/rerank", #"{"query":"a good film","texts":\#(inputs)}"#)
        #expect(ranks.status == 200 && ranks.json?.arrayValue?.count == 4)
        #expect(try server.send("POST", "/models/tiny/predict", #"{"inputs":"good"}"#).status == 200)
        #expect(try server.send("POST", "/tokenize", #"{"inputs":"good"}"#).status == 200)
        let unfit = try server.send("POST", "/predict", #"{"inputs":"good"}"#)
        #expect(unfit.status == 424 && unfit.error == "Backend")
        // Somebody's mistake is no fault of the server's to be logged.
        #expect(!server.logText.contains("model is not"))
        let wrong = try server.send("POST", "/v1/embeddings", #"{"input":"good","model":"other"}"#)
        #expect(wrong.status == 404)
        #expect(
            wrong.json?.objectValue?["code"] == 404 && wrong.json?.objectValue?["type"] == "Validation"
                && wrong.json?.objectValue?["message"]?.stringValue?.contains("'other'") == true)
        #expect(try server.send("GET", "/embed").headers["allow"] == "POST")
        let described = try server.send("GET", "/openapi.json").json?.objectValue?["paths"]?.objectValue
        #expect(described?.keys.contains("/embed") == true)
        #expect(described?.keys.contains("/models/{model}/rerank") == true)
        #expect(try server.send("GET", "/models").json?.arrayValue?.count == 3)
        #expect(server.terminate() == 0)
    }

    @Test("a SIGHUP serves the files that are there now")
    func reload() throws {
        let scratch = try Scratch()
        let path = try scratch.embedder()
        let server = try ServerProcess(scratch, ["--model", "m=\(path)"])
        let before = try server.send("POST", "/embed", #"{"inputs":"good film"}"#).json
        try Data(#"{"word_embedding_dimension":32,"pooling_mode_cls_token":true}"#.utf8)
            .write(to: URL(filePath: path).appending(path: "1_Pooling/config.json"))
        server.signal(SIGHUP)
        var after = before
        let end = ContinuousClock.now + .seconds(60)
        while after == before, ContinuousClock.now < end {
            after = try server.send("POST", "/embed", #"{"inputs":"good film"}"#).json
        }
        #expect(after != before && Golden.rows(after).first?.count == 32)
        #expect(try server.send("GET", "/info").body.contains(#""pooling":"cls""#))
    }

    @Test("the client's vectors, similarities and ranks, of more texts than a request holds")
    func client() async throws {
        let scratch = try Scratch()
        let server = try server(scratch, "--max-client-batch-size", "3", "--api-key", "k")
        var configuration = DistillClient.Configuration()
        (configuration.batchSize, configuration.apiKey) = (3, "k")
        let client = DistillClient("http://127.0.0.1:\(server.port)", configuration)
        func doubles(_ vectors: [[Float]]) -> [[Double]] { vectors.map { $0.map(Double.init) } }
        let texts = Golden.texts
        Golden.expect(doubles(try await client.embed(texts)), Golden.rows(Golden.all["normalized"]))
        Golden.expect(
            doubles(try await client.embed(texts, .init(promptName: "query"))),
            Golden.rows(Golden.all["prompted"]))
        Golden.expect(
            doubles(try await client.embed(texts, .init(model: "embedder", normalize: false))),
            Golden.rows(Golden.all["plain"]))
        Golden.expect(
            try await client.similarity(texts[0], Array(texts.dropFirst())).map(Double.init),
            Golden.numbers(Golden.all["similarity"]))
        let answer = try await client.openAIEmbeddings(texts, model: "embedder", dimensions: 8)
        Golden.expect(doubles(answer.vectors), Golden.rows(Golden.all["dimensions_8"]))
        #expect(answer.model == "embedder" && answer.promptTokens > texts.count)
        let ranks = try await client.rerank("a good film", texts, .init(model: "ranker"))
        let scores = Golden.numbers(Golden.all["scores"])
        #expect(ranks.map(\.index) == scores.indices.sorted { scores[$0] > scores[$1] })
        Golden.expect(ranks.map(\.score), scores.sorted(by: >))
        #expect(try await client.embed([]).isEmpty)
        let error = await #expect(throws: DistillClientError.self) {
            try await client.openAIEmbeddings(["good"], model: "nobody")
        }
        if case .server(let status, let type, let message) = error {
            #expect(status == 404 && type == "Validation" && message.contains("nobody"))
        } else {
            Issue.record("\(String(describing: error))")
        }
    }
}
