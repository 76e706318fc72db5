//! Executes nodes.

use std::collections::BTreeMap;

use crate::functions::Functions;
use crate::parser::{Node, Operand, Pipe};
use crate::value::Value;
use crate::{DEPTH_MAX, ITERATIONS_MAX, OUTPUT_BYTES_MAX};

type Fault = (usize, String);

/// Whether a loop goes on.
#[derive(PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

struct Execution<'a> {
    defined: &'a BTreeMap<String, Vec<Node>>,
    functions: &'a Functions,
    out: String,
    variables: Vec<(String, Value)>,
    iterations: usize,
    depth: usize,
}

pub(crate) fn execute(
    nodes: &[Node],
    defined: &BTreeMap<String, Vec<Node>>,
    data: &Value,
    functions: &Functions,
) -> Result<String, Fault> {
    let variables = vec![("$".to_owned(), data.clone())];
    let mut execution = Execution { defined, functions, out: String::new(), variables, iterations: 0, depth: 0 };
    execution.nodes(nodes, data)?;
    Ok(execution.out)
}

impl Execution<'_> {
    fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Result<Flow, Fault> {
        self.depth += 1;
        if DEPTH_MAX < self.depth {
            return Err((1, "exceeded maximum template depth".to_owned()));
        }
        let mut flow = Flow::On;
        for node in nodes {
            flow = self.node(node, dot)?;
            if flow != Flow::On {
                break;
            }
        }
        self.depth -= 1;
        Ok(flow)
    }

    fn node(&mut self, node: &Node, dot: &Value) -> Result<Flow, Fault> {
        match node {
            Node::Text(text) => self.write(text, 1)?,
            Node::Print { line, pipe } => {
                let value = self.pipe(pipe, dot, *line)?;
                if pipe.variables.is_empty() {
                    self.write(&value.to_string(), *line)?;
                }
            }
            Node::If { line, pipe, then, otherwise } => {
                let scope = self.variables.len();
                let holds = self.pipe(pipe, dot, *line)?.truth();
                let flow = self.nodes(if holds { then } else { otherwise }, dot)?;
                self.variables.truncate(scope);
                return Ok(flow);
            }
            Node::With { line, pipe, then, otherwise } => {
                let scope = self.variables.len();
                let value = self.pipe(pipe, dot, *line)?;
                let flow = if value.truth() { self.nodes(then, &value)? } else { self.nodes(otherwise, dot)? };
                self.variables.truncate(scope);
                return Ok(flow);
            }
            Node::Range { line, pipe, body, otherwise } => self.range(*line, pipe, body, otherwise, dot)?,
            Node::Template { line, name, pipe } => {
                let value = match pipe {
                    Some(pipe) => self.pipe(pipe, dot, *line)?,
                    None => Value::Nil,
                };
                let defined = self.defined;
                let body = defined.get(name).ok_or_else(|| (*line, format!("template {name:?} not defined")))?;
                let outer = std::mem::replace(&mut self.variables, vec![("$".to_owned(), value.clone())]);
                self.nodes(body, &value)?;
                self.variables = outer;
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn range(&mut self, line: usize, pipe: &Pipe, body: &[Node], otherwise: &[Node], dot: &Value) -> Result<(), Fault> {
        let scope = self.variables.len();
        let unnamed = Pipe { variables: Vec::new(), ..pipe.clone() };
        let items: Vec<(Value, Value)> = match self.pipe(&unnamed, dot, line)? {
            Value::List(list) => list.into_iter().enumerate().map(|(i, value)| (Value::Int(i as i64), value)).collect(),
            Value::Map(map) => map.into_iter().map(|(name, value)| (Value::Text(name), value)).collect(),
            Value::Int(count) if 0 <= count && count <= ITERATIONS_MAX as i64 => {
                (0..count).map(|i| (Value::Int(i), Value::Int(i))).collect()
            }
            Value::Nil => Vec::new(),
            other => return Err((line, format!("range can't iterate over {other}"))),
        };
        if items.is_empty() {
            self.nodes(otherwise, dot)?;
        }
        for (key, value) in items {
            self.iterations += 1;
            if ITERATIONS_MAX < self.iterations {
                return Err((line, format!("more than {ITERATIONS_MAX} iterations")));
            }
            match &pipe.variables[..] {
                [] => {}
                [only] => self.variables.push((only.clone(), value.clone())),
                [first, second, ..] => {
                    self.variables.push((first.clone(), key));
                    self.variables.push((second.clone(), value.clone()));
                }
            }
            let flow = self.nodes(body, &value)?;
            self.variables.truncate(scope);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(())
    }

    fn write(&mut self, text: &str, line: usize) -> Result<(), Fault> {
        if OUTPUT_BYTES_MAX < self.out.len() + text.len() {
            return Err((line, format!("more than {OUTPUT_BYTES_MAX} bytes of output")));
        }
        self.out.push_str(text);
        Ok(())
    }

    fn pipe(&mut self, pipe: &Pipe, dot: &Value, line: usize) -> Result<Value, Fault> {
        let mut value: Option<Value> = None;
        for command in &pipe.commands {
            value = Some(self.command(command, value.take(), dot, line)?);
        }
        let value = value.unwrap_or_default();
        for name in &pipe.variables {
            let known = self.variables.iter_mut().rev().find(|(known, _)| known == name);
            match known {
                Some((_, slot)) if !pipe.declares => *slot = value.clone(),
                _ => self.variables.push((name.clone(), value.clone())),
            }
        }
        Ok(value)
    }

    fn command(&mut self, command: &[Operand], piped: Option<Value>, dot: &Value, line: usize) -> Result<Value, Fault> {
        let Operand::Function(name) = &command[0] else {
            if 1 < command.len() {
                return Err((line, "can't give argument to non-function".to_owned()));
            }
            return self.operand(&command[0], dot, line);
        };
        // `and` and `or` stop where the answer is known.
        if matches!(name.as_str(), "and" | "or") {
            let mut last = Value::Nil;
            for operand in &command[1..] {
                last = self.operand(operand, dot, line)?;
                if last.truth() == (name == "or") {
                    return Ok(last);
                }
            }
            return Ok(piped.unwrap_or(last));
        }
        let mut args = Vec::with_capacity(command.len());
        for operand in &command[1..] {
            args.push(self.operand(operand, dot, line)?);
        }
        args.extend(piped);
        self.functions.call(name, &args).map_err(|why| (line, format!("error calling {name}: {why}")))
    }

    fn operand(&mut self, operand: &Operand, dot: &Value, line: usize) -> Result<Value, Fault> {
        let (value, chain): (Value, &[String]) = match operand {
            Operand::Literal(value) => (value.clone(), &[]),
            Operand::Field(names) => (dot.clone(), names),
            Operand::Variable(name, chain) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                (known.map(|(_, value)| value.clone()).unwrap_or_default(), chain)
            }
            Operand::Group(pipe, chain) => (self.pipe(pipe, dot, line)?, chain),
            Operand::Function(_) => (self.command(std::slice::from_ref(operand), None, dot, line)?, &[]),
        };
        chain.iter().try_fold(value, |value, name| value.field(name)).map_err(|why| (line, why))
    }
}
