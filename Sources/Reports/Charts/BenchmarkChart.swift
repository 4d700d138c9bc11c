/// The latency of models by the length of a text, and, if they were evaluated, quality against latency.
public struct BenchmarkChart: Sendable {
    /// A model that was measured.
    public struct Model: Sendable {
        public var name: String
        /// The task's metric; `nil` if it was not evaluated.
        public var quality: Double?

        public init(name: String, quality: Double?) {
            self.name = name
            self.quality = quality
        }
    }

    /// The latency of a model, in milliseconds.
    public struct Time: Sendable {
        public var median: Double
        /// The 95th percentile.
        public var high: Double

        public init(median: Double, high: Double) {
            self.median = median
            self.high = high
        }
    }

    /// The measurements at one sequence length.
    public struct Column: Sendable {
        /// In tokens.
        public var length: Int
        /// In the order of the models.
        public var times: [Time]

        public init(length: Int, times: [Time]) {
            self.length = length
            self.times = times
        }
    }

    public var subtitle: String
    public var models: [Model]
    /// The name of the metric; `nil` if no model was evaluated.
    public var quality: String?
    /// By length.
    public var columns: [Column]

    public init(subtitle: String, models: [Model], quality: String?, columns: [Column]) {
        self.subtitle = subtitle
        self.models = models
        self.quality = quality
        self.columns = columns
    }

    /// The chart as an SVG file: no scripts, and no fonts but the reader's own.
    public var file: String {
        var drawing = BenchmarkDrawing(self)
        return drawing.file()
    }
}
