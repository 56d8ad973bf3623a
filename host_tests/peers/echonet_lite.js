// echonet-lite (echonet-lite.js) as a test peer: `node echonet_lite.js OWN_ADDRESS NODE_ADDRESS`, see
// echonet_controller.py. It reads every property by itself once it has found a node; "read" waits for that.
'use strict';
const EL = require('echonet-lite');
const readline = require('readline');

const [OWN, NODE] = process.argv.slice(2);
const MAPS = {get: '9f', set: '9e', inf: '9d'};
const heard = [];           // frames of the node nobody waited for yet: {seoj, esv, details}
let waiting = null;
const told = [];

function received(rinfo, els) {
  if (rinfo.address !== NODE || !els) {
    return;
  }
  const frame = {seoj: els.SEOJ, esv: els.ESV, details: Object.assign({}, els.DETAILs)};
  if (els.ESV === '73') {
    for (const epc of Object.keys(els.DETAILs)) {
      told.push([els.SEOJ, epc, els.DETAILs[epc]]);
    }
  }
  heard.push(frame);
  if (waiting) {
    waiting();
  }
}

function until(found, ms, what) {
  return new Promise((resolve, reject) => {
    const look = () => {
      const value = found();
      if (value !== undefined) {
        waiting = null;
        clearTimeout(timer);
        resolve(value);
      }
    };
    const timer = setTimeout(() => {
      waiting = null;
      reject(new Error('no ' + what));
    }, ms);
    waiting = look;
    look();
  });
}

function facts(eoj) {
  return (EL.facilities[NODE] || {})[eoj] || {};
}

function codes(edt) {
  return edt.substring(2).match(/../g).sort();  // the library turns long maps into lists
}

async function ask(eoj, esv, details, good, bad) {
  heard.length = 0;
  EL.sendDetails(NODE, '05ff01', eoj, esv, details);
  return until(() => heard.find((each) => each.seoj === eoj && (each.esv === good || each.esv === bad)
                                && Object.keys(details).every((epc) => epc in each.details)), 5000, 'reply');
}

const OPS = {
  discover: async () => {
    EL.search();
    const edt = await until(() => facts('0ef001').d6, 5000, 'instance list');
    return edt.substring(2).match(/.{6}/g);
  },
  maps: async ({eoj}) => {
    const all = await ask(eoj, '62', {'9d': '', '9e': '', '9f': ''}, '72', '52');
    const result = {};
    for (const word of Object.keys(MAPS)) {
      result[word] = codes(all.details[MAPS[word]]);
    }
    return result;
  },
  get: async ({eoj, epc}) => {
    const reply = await ask(eoj, '62', {[epc]: ''}, '72', '52');
    return reply.esv === '72' ? reply.details[epc] : null;
  },
  set: async ({eoj, epc, edt}) => (await ask(eoj, '61', {[epc]: edt}, '71', '51')).esv === '71',
  read: async ({eoj}) => {
    await until(() => facts(eoj)['9f'] && facts(eoj)['80'], 15000, 'automatic reading');
    await new Promise((done) => setTimeout(done, 300));
    const values = {};
    for (const epc of codes(facts(eoj)['9f'])) {
      if (!['9d', '9e', '9f'].includes(epc)) {
        values[epc] = facts(eoj)[epc] || null;
      }
    }
    return values;
  },
  told: async () => told.splice(0),
};

async function main() {
  await EL.initialize(['05ff01'], received, 4, {v4: OWN, ignoreMe: OWN !== '127.0.0.1', autoGetProperties: true,
                                                autoGetDelay: 100});
  for await (const line of readline.createInterface({input: process.stdin})) {
    const asked = JSON.parse(line);
    let answer;
    try {
      answer = {result: await OPS[asked.op](asked)};
    } catch (error) {
      answer = {error: String(error)};
    }
    console.log(JSON.stringify(answer));
  }
  EL.release();
  process.exit(0);
}

main();
