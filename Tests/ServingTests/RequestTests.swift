import JSON
import Testing
import Tokenizers

@testable import Serving

@Suite("Requests")
struct RequestTests {
    private func read(_ text: String) throws(ServingError) -> PredictRequest {
        try PredictRequest(Array(text.utf8))
    }

    @Test("a text, a list of one, a pair and a batch, as text-embeddings-inference tells them apart")
    func inputs() throws {
        #expect(try read(#"{"inputs":"a"}"#).inputs == [TextPair("a")])
        #expect(try !read(#"{"inputs":"a"}"#).isBatch)
        #expect(try read(#"{"inputs":["a"]}"#).inputs == [TextPair("a")])
        let pair = try read(#"{"inputs":["a","b"]}"#)
        #expect(pair.inputs == [TextPair("a", pair: "b")])
        #expect(!pair.isBatch)
        let batch = try read(#"{"inputs":[["a"],["b","c"]]}"#)
        #expect(batch.inputs == [TextPair("a"), TextPair("b", pair: "c")])
        #expect(batch.isBatch)
        #expect(try read(#"{"inputs":[["a"]]}"#).isBatch)
    }

    @Test("options and their defaults; keys that are not known are passed over")
    func options() throws {
        let plain = try read(#"{"inputs":"a","normalize":true}"#)
        #expect(plain.truncate == nil)
        #expect(plain.truncationSide == .right)
        #expect(!plain.rawScores)
        let all = try read(
            #"{"inputs":"a","truncate":true,"truncation_direction":"Left","raw_scores":true}"#)
        #expect(all.truncate == true)
        #expect(all.truncationSide == .left)
        #expect(all.rawScores)
        #expect(try read(#"{"inputs":"a","truncate":null}"#).truncate == nil)
    }

    @Test(
        "bodies that are none",
        arguments: [
            "", "{", "[]", "null", "{}", #"{"inputs":null}"#, #"{"inputs":1}"#, #"{"inputs":{}}"#,
            #"{"inputs":["a","b","c"]}"#, #"{"inputs":["a",1]}"#, #"{"inputs":[["a"],"b"]}"#,
            #"{"inputs":[[]]}"#, #"{"inputs":[["a","b","c"]]}"#, #"{"inputs":["a",["b"]]}"#,
            #"{"inputs":"a","inputs":"b"}"#, #"{"inputs":"a","truncate":1}"#,
            #"{"inputs":"a","raw_scores":null}"#,
            #"{"inputs":"a","truncation_direction":"up"}"#, #"{"inputs":"\ud800"}"#, #"{"inputs":"a"} x"#,
            #"{"inputs":NaN}"#, String(repeating: "[", count: 100_000),
        ])
    func invalid(_ text: String) {
        let error = #expect(throws: ServingError.self) { try read(text) }
        #expect(error?.kind == .validation)
        #expect(error?.status == 422)
        #expect(error.map { !$0.message.contains("\n") } == true)
    }

    @Test("bytes that are not UTF-8 are no text")
    func encoding() {
        let bytes = Array(#"{"inputs":""#.utf8) + [0xFF, 0xC0] + Array(#""}"#.utf8)
        #expect(throws: ServingError.self) { try PredictRequest(bytes) }
    }

    @Test("an empty list is empty, with a status of its own")
    func empty() {
        let error = #expect(throws: ServingError.self) { try read(#"{"inputs":[]}"#) }
        #expect(error?.kind == .empty)
        #expect(error?.status == 400)
    }

    @Test("errors have the statuses and the form of text-embeddings-inference")
    func errors() {
        let statuses = ServingError.Kind.allCases.map(\.status)
        #expect(statuses == [503, 424, 429, 422, 422, 400])
        #expect(
            ServingError(.overloaded, "m").json.serialized() == #"{"error":"m","error_type":"Overloaded"}"#)
    }

    @Test("routes, their methods, and what is none")
    func routes() {
        #expect(Route.resolve("POST", "/predict") == .route(.ask(.predict, model: nil), isHead: false))
        #expect(
            Route.resolve("POST", "/models/a.b/predict?x=1")
                == .route(.ask(.predict, model: "a.b"), isHead: false))
        #expect(Route.resolve("GET", "/predict") == .wrongMethod(allowed: "POST"))
        #expect(Route.resolve("HEAD", "/info") == .route(.info(model: nil), isHead: true))
        #expect(Route.resolve("POST", "/health") == .wrongMethod(allowed: "GET, HEAD"))
        for endpoint in Endpoint.allCases {
            #expect(
                Route.resolve("POST", "/" + endpoint.rawValue)
                    == .route(.ask(endpoint, model: nil), isHead: false))
            #expect(
                Route.resolve("POST", "/models/m/" + endpoint.rawValue)
                    == .route(.ask(endpoint, model: "m"), isHead: false))
        }
        #expect(Route.resolve("POST", "/embeddings") == .route(.ask(.embeddings, model: nil), isHead: false))
        for path in ["/v1", "/v1/", "/v1/embed", "/models/m/v1/embeddings/", "/models/m/info/x", "/"] {
            if case .route(.ask, _) = Route.resolve("POST", path) { Issue.record("\(path)") }
        }
        for path in ["", "*", "/predict/", "//predict", "/models//predict", "/models/a/b/predict", "/Health"]
        {
            #expect(Route.resolve("GET", path) == .unknownPath, "\(path)")
        }
        for route in [Route.ask(.predict, model: nil), .info(model: nil), .models] {
            #expect(!route.isPublic)
        }
    }

    @Test(
        "bodies of the other endpoints that are none",
        arguments: [
            (.embed, #"{"inputs":[1,-1]}"#), (.embed, #"{"inputs":[1,"a"]}"#),
            (.embed, #"{"inputs":["a",1]}"#),
            (.embed, #"{"inputs":[1.5]}"#), (.embed, #"{"inputs":{}}"#), (.embed, #"{"inputs":[[["a"]]]}"#),
            (.embed, #"{"inputs":"a","normalize":null}"#), (.embed, #"{"inputs":"a","dimensions":0}"#),
            (.embed, #"{"inputs":"a","prompt_name":1}"#), (.embedAll, "[]"), (.embedAll, #"{"input":"a"}"#),
            (.similarity, #"{"inputs":"a"}"#), (.similarity, #"{"inputs":{"sentences":["a"]}}"#),
            (.similarity, #"{"inputs":{"source_sentence":"a","sentences":"b"}}"#),
            (.similarity, #"{"inputs":{"source_sentence":"a","sentences":["b"]},"parameters":1}"#),
            (.embeddings, #"{"inputs":"a"}"#), (.embeddings, #"{"input":"a","encoding_format":"int8"}"#),
            (.embeddings, #"{"input":"a","model":1}"#), (.rerank, #"{"texts":["a"]}"#),
            (.rerank, #"{"query":"a"}"#), (.rerank, #"{"query":"a","texts":[["b"]]}"#),
            (.rerank, #"{"query":"a","texts":["b"],"return_text":0}"#), (.tokenize, #"{"inputs":[1]}"#),
            (.tokenize, #"{"inputs":"a","add_special_tokens":"no"}"#), (.decode, #"{"ids":["a"]}"#),
            (.decode, #"{"ids":[[1],2]}"#), (.decode, #"{"ids":[99999999999]}"#),
            (.decode, #"{"ids":[1.5]}"#),
            (.decode, #"{"inputs":[1]}"#),
        ] as [(Endpoint, String)])
    func invalidBodies(_ endpoint: Endpoint, _ text: String) {
        let error = #expect(throws: ServingError.self) { try endpoint.read(Array(text.utf8)) }
        #expect(error?.kind == .validation && error?.status == 422)
        #expect(error.map { !$0.message.contains("\n") } == true)
    }

    @Test(
        "lists without an element are empty",
        arguments: [
            (.embed, #"{"inputs":[]}"#), (.embeddings, #"{"input":[]}"#),
            (.rerank, #"{"query":"a","texts":[]}"#),
            (.similarity, #"{"inputs":{"source_sentence":"a","sentences":[]}}"#),
            (.tokenize, #"{"inputs":[]}"#), (.decode, #"{"ids":[]}"#),
            (.decode, #"{"ids":[[]]}"#), (.decode, #"{"ids":[[1],[]]}"#),
        ] as [(Endpoint, String)])
    func emptyLists(_ endpoint: Endpoint, _ text: String) {
        let error = #expect(throws: ServingError.self) { try endpoint.read(Array(text.utf8)) }
        #expect(error?.kind == .empty && error?.status == 400)
    }

    @Test("vectors in Base64 are the bytes of float32, as Python encodes them")
    func base64() throws {
        let cases = Golden.all["base64"]?.arrayValue ?? []
        #expect(cases.count == 4)
        for one in cases {
            let values = Golden.numbers(one.objectValue?["values"]).map { Float($0) }
            #expect(VectorText.base64(values) == one.objectValue?["text"]?.stringValue)
        }
        #expect(VectorText.list([[1, -0.5], []] as [[Float]]) == "[[1.0,-0.5],[]]")
    }

    @Test("an API key is matched whole, with its scheme in any case")
    func key() throws {
        let key = try APIKey(" secret\n")
        #expect(key.matches("Bearer secret"))
        #expect(key.matches("bearer  secret"))
        for wrong in [
            nil, "", "Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "Bearer Secret", "Basic secret",
            "secret",
        ] {
            #expect(!key.matches(wrong), "\(wrong ?? "none")")
        }
        #expect(throws: ServingError.self) { try APIKey(" \n") }
        #expect(throws: ServingError.self) { try APIKey("two words") }
    }

    @Test("names of models")
    func references() throws {
        #expect(try ModelReference("a=/x/y") == ModelReference("a=/x/y"))
        #expect(try ModelReference("a=/x/y").path == "/x/y")
        #expect(try ModelReference("/x/student/").name == "student")
        #expect(try ModelReference("/x=1/student").path == "/x=1/student")
        for wrong in ["", "=/x", "a b=/x", "a=", "/", "..", "ä=/x"] {
            #expect(throws: ServingError.self, "\(wrong)") { try ModelReference(wrong) }
        }
    }

    @Test("a histogram counts each number in all buckets that hold it")
    func histogram() {
        var histogram = Histogram([1, 2])
        for value in [0.5, 1, 1.5, 9] { histogram.record(value) }
        #expect(
            histogram.lines("x")
                == """
                # TYPE x histogram
                x_bucket{le="1.0"} 2
                x_bucket{le="2.0"} 3
                x_bucket{le="+Inf"} 4
                x_sum 12.0
                x_count 4

                """)
    }
}
