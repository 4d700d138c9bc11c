import Torch

/// A ridge regression with an intercept, from sums over batches of rows: the weight and bias of the linear layer that maps
/// inputs to targets with the least squared error.
///
/// Sums are kept and solved in float64. Shapes: R rows, I inputs, O targets.
struct LeastSquares {
    /// (I, I), (I, O), (I) and (O): sums of products and of values.
    private var products: Tensor?
    private var targets: Tensor?
    private var inputSum: Tensor?
    private var targetSum: Tensor?
    private var targetSquares = 0.0
    private var rows = 0

    /// Adds rows of inputs (R, I) and of targets (R, O).
    mutating func add(_ inputs: Tensor, _ values: Tensor) throws {
        let (x, y) = (try inputs.to(.float64, .cpu), try values.to(.float64, .cpu))
        let transposed = try x.transposed()
        products = try Self.sum(products, transposed.matmul(x))
        targets = try Self.sum(targets, transposed.matmul(y))
        inputSum = try Self.sum(inputSum, x.sum(0))
        targetSum = try Self.sum(targetSum, y.sum(0))
        targetSquares += try y.square().sum().item()
        rows += try x.size(0)
    }

    private static func sum(_ total: Tensor?, _ more: Tensor) throws -> Tensor {
        try total.map { try $0 + more } ?? more
    }

    /// The centered moments of the rows.
    private struct Moments {
        /// (I, I)
        let inputs: Tensor
        /// (I, O)
        let cross: Tensor
        /// (I) and (O)
        let inputMean: Tensor
        let targetMean: Tensor
        /// The sum of the targets' variances, above 0.
        let targetVariance: Double

        /// Solves for the coefficients (K, O) of some inputs, or of all.
        ///
        /// - Parameter ridge: The penalty on squared coefficients, as a fraction of the inputs' mean variance.
        func coefficients(_ chosen: [Int]?, ridge: Double) throws -> (cross: Tensor, solution: Tensor) {
            var (inputs, cross) = (inputs, cross)
            if let chosen {
                let index = try Tensor(chosen)
                inputs = try inputs.indexSelect(dimension: 0, index).indexSelect(dimension: 1, index)
                cross = try cross.indexSelect(dimension: 0, index)
            }
            let count = try inputs.size(0)
            var diagonal = [Double](repeating: 0, count: count * count)
            let values = try inputs.array(of: Double.self)
            let mean = (0..<count).reduce(0) { $0 + values[$1 * count + $1] } / Double(count)
            // An input that never varies must not make the matrix singular.
            for place in 0..<count { diagonal[place * count + place] = ridge * mean + 1e-12 }
            let penalty = try Tensor(diagonal, shape: [count, count])
            return (cross, try (inputs + penalty).solved(cross))
        }
    }

    private func moments() throws -> Moments {
        guard let products, let targets, let inputSum, let targetSum, rows > 0 else {
            throw TransformersError("a least-squares fit has no rows; give it some texts")
        }
        let count = Double(rows)
        let (x, y) = (try inputSum / count, try targetSum / count)
        let column = try x.unsqueezed(1)
        return Moments(
            inputs: try products / count - column.matmul(x.unsqueezed(0)),
            cross: try targets / count - column.matmul(y.unsqueezed(0)), inputMean: x, targetMean: y,
            targetVariance: max(1e-12, try (targetSquares / count - y.square().sum().item())))
    }

    /// Returns the layer of least squares: weight (O, I) and bias (O), in float64.
    func solve(ridge: Double) throws -> (weight: Tensor, bias: Tensor) {
        let moments = try moments()
        let solution = try moments.coefficients(nil, ridge: ridge).solution
        let mean = try moments.inputMean.unsqueezed(0).matmul(solution).squeezed(0)
        return (try solution.transposed().contiguous(), try moments.targetMean - mean)
    }

    /// Chooses groups of inputs that together explain most of the targets' variance, one after another.
    ///
    /// - Parameters:
    ///   - fits: Regressions of as many inputs each; what is explained is the sum of their fractions.
    ///   - count: The number of groups to choose, the same in all.
    ///   - size: The number of inputs in a group; groups follow one another.
    /// - Returns: The groups' indices, ascending.
    static func chooseGroups(_ fits: [LeastSquares], _ count: Int, size: Int, ridge: Double) throws -> [Int] {
        let moments = try fits.map { try $0.moments() }
        var chosen: [Int] = []
        var others = Array(0..<(try moments[0].inputs.size(0)) / size)
        while chosen.count < count {
            var best = (explained: -Double.infinity, place: 0)
            for (place, group) in others.enumerated() {
                let inputs = (chosen + [group]).sorted().flatMap { $0 * size..<($0 + 1) * size }
                let explained = try moments.reduce(0) { total, moments in
                    let fit = try moments.coefficients(inputs, ridge: ridge)
                    return total + (try (fit.cross * fit.solution).sum().item()) / moments.targetVariance
                }
                if explained > best.explained { best = (explained, place) }
            }
            chosen.append(others.remove(at: best.place))
        }
        return chosen.sorted()
    }
}

/// The gains and biases of a layer norm, each dimension fitted by least squares by itself.
struct NormFit {
    private var sums: [Tensor] = []
    private var rows = 0

    /// Adds normalized rows (R, D) and their targets (R, D).
    mutating func add(_ normalized: Tensor, _ targets: Tensor) throws {
        let (x, y) = (try normalized.to(.float64, .cpu), try targets.to(.float64, .cpu))
        let more = try [x.sum(0), y.sum(0), x.square().sum(0), (x * y).sum(0)]
        sums = sums.isEmpty ? more : try zip(sums, more).map { try $0 + $1 }
        rows += try x.size(0)
    }

    /// Returns the gains (D) and the biases (D), in float64.
    func solve() throws -> (weight: Tensor, bias: Tensor) {
        guard rows > 0 else { throw TransformersError("a norm's fit has no rows; give it some texts") }
        let means = try sums.map { try $0 / Double(rows) }
        let variance = try (means[2] - means[0].square()).clampedBelow(1e-9)
        let weight = try (means[3] - means[0] * means[1]) / variance
        return (weight, try means[1] - weight * means[0])
    }
}
