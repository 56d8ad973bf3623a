// node-echonet-lite as a test peer: `node echonet_node_lite.js OWN_ADDRESS NODE_ADDRESS`, see echonet_controller.py.
// It discovers by asking all node profiles (0EF000), and hears no group while it does.
'use strict';
const EchonetLite = require('node-echonet-lite');
const readline = require('readline');

const [OWN, NODE] = process.argv.slice(2);
const told = [];
let peer = null;

const array = (eoj) => [...Buffer.from(eoj, 'hex')];
const hex = (octets) => Buffer.from(octets).toString('hex');

function call(method, ...args) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no reply')), 5000);
    peer[method](...args, (error, reply) => {
      clearTimeout(timer);
      error ? reject(error) : resolve(reply.message);
    });
  });
}

const OPS = {
  discover: () => new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('nothing found')), 5000);
    peer.startDiscovery((error, reply) => {
      if (reply && reply.device.address === NODE) {
        clearTimeout(timer);
        peer.stopDiscovery();
        resolve(reply.device.eoj.map(hex));
      }
    });
  }),
  maps: async ({eoj}) => {
    const {data} = await call('getPropertyMaps', NODE, array(eoj));
    const result = {};
    for (const word of ['get', 'set', 'inf']) {
      result[word] = data[word].map((code) => hex([code])).sort();
    }
    return result;
  },
  get: async ({eoj, epc}) => {
    const reply = await call('send', NODE, array(eoj), 'Get', [{epc: parseInt(epc, 16), edt: null}]);
    return reply.esv === 'Get_Res' ? hex(reply.prop[0].buffer) : null;
  },
  set: async ({eoj, epc, edt}) => {
    const reply = await call('send', NODE, array(eoj), 'SetC',
                             [{epc: parseInt(epc, 16), edt: Buffer.from(edt, 'hex')}]);
    return reply.esv === 'Set_Res';
  },
  read: async ({eoj}) => {
    const values = {};
    for (const epc of (await OPS.maps({eoj})).get) {
      if (!['9d', '9e', '9f'].includes(epc)) {
        values[epc] = await OPS.get({eoj, epc});
      }
    }
    return values;
  },
  told: async () => told.splice(0),
};

function main() {
  peer = new EchonetLite({type: 'lan', netif: OWN});
  peer.on('notify', (frame) => {
    if (frame.device.address === NODE && frame.message.esv === 'INF') {
      for (const each of frame.message.prop) {
        told.push([hex(frame.message.seoj), hex([each.epc]), hex(each.buffer)]);
      }
    }
  });
  peer.init(async (error) => {
    if (error) {
      throw error;
    }
    for await (const line of readline.createInterface({input: process.stdin})) {
      const asked = JSON.parse(line);
      let answer;
      try {
        answer = {result: await OPS[asked.op](asked)};
      } catch (problem) {
        answer = {error: String(problem)};
      }
      console.log(JSON.stringify(answer));
    }
    process.exit(0);
  });
}

main();
