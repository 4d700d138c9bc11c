/// The vectors of several teachers as one: each divided by its length and multiplied by the square root of its teacher's share of the
/// weights, one after another (Zhang et al., "Jasper and Stella", arXiv 2412.19048, who weigh them alike).
///
/// So the vectors have the length 1, and the cosine of two of them is the weighted mean of the teachers' cosines.
struct JoinedVectors: TeacherOutputs {
    private let members: [(outputs: any TeacherOutputs, scale: Double)]

    /// - Parameter members: The teachers' vectors of the same texts, with weights above 0 in any proportion.
    init(_ members: [(outputs: any TeacherOutputs, weight: Double)]) {
        let sum = members.reduce(0) { $0 + $1.weight }
        self.members = members.map { ($0.outputs, ($0.weight / sum).squareRoot()) }
    }

    var count: Int { members[0].outputs.count }
    var classes: Int { members.reduce(0) { $0 + $1.outputs.classes } }

    func appendRow(_ index: Int, to values: inout [Float]) throws {
        for (outputs, scale) in members {
            let start = values.count
            try outputs.appendRow(index, to: &values)
            let length = values[start...].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            guard length > 0 else { continue }
            let factor = Float(scale / length)
            for place in start..<values.count { values[place] *= factor }
        }
    }
}
