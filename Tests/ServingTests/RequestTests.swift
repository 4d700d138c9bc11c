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
            #"{"inputs":"a","truncation_direction":"left"}"#, #"{"inputs":"\ud800"}"#, #"{"inputs":"a"} x"#,
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
        #expect(Route.resolve("POST", "/predict") == .route(.predict(model: nil), isHead: false))
        #expect(
            Route.resolve("POST", "/models/a.b/predict?x=1") == .route(.predict(model: "a.b"), isHead: false))
        #expect(Route.resolve("GET", "/predict") == .wrongMethod(allowed: "POST"))
        #expect(Route.resolve("HEAD", "/info") == .route(.info(model: nil), isHead: true))
        #expect(Route.resolve("POST", "/health") == .wrongMethod(allowed: "GET, HEAD"))
        for path in ["", "*", "/predict/", "//predict", "/models//predict", "/models/a/b/predict", "/Health"]
        {
            #expect(Route.resolve("GET", path) == .unknownPath, "\(path)")
        }
        for route in [Route.predict(model: nil), .info(model: nil), .models] { #expect(!route.isPublic) }
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
